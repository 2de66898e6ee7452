/**
 * Handles items one after another; but the next one does not wait for one that has begun to wait itself.
 * @param onWait calls back when that happens; returns how to forget it
 */
export async function inTurn<Item, Result>(
  items: readonly Item[],
  handle: (item: Item) => Promise<Result>,
  onWait: (resume: () => void) => () => void,
): Promise<readonly Result[]> {
  const results: Promise<Result>[] = [];
  for (const item of items) {
    await new Promise<unknown>((resume) => {
      const forget = onWait(() => resume(undefined));
      const result = handle(item).finally(forget);
      results.push(result);
      result.then(resume, resume);
    });
  }
  return Promise.all(results);
}
