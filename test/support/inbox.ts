/** What has arrived and was not yet looked at, in order. */
export interface Inbox<Item> {
  put(item: Item): void;
  /** Takes the oldest item that matches, waiting for it; throws with what came instead. */
  next(matches: (item: Item) => boolean, milliseconds: number): Promise<Item>;
  /** What has not been taken. */
  rest(): readonly Item[];
}

interface Waiter<Item> {
  readonly matches: (item: Item) => boolean;
  readonly take: (item: Item) => void;
}

/** @param show how an item reads in the message of a test that failed */
export function createInbox<Item>(owner: string, show: (item: Item) => string): Inbox<Item> {
  const items: Item[] = [];
  const waiters: Waiter<Item>[] = [];
  return {
    put: (item) => {
      const index = waiters.findIndex((waiter) => waiter.matches(item));
      if (index < 0) items.push(item);
      else waiters.splice(index, 1)[0]?.take(item);
    },
    next: (matches, milliseconds) => {
      const index = items.findIndex(matches);
      const [found] = index < 0 ? [] : items.splice(index, 1);
      if (found !== undefined) return Promise.resolve(found);
      const called = new Error("called from here");
      return new Promise((resolve, reject) => {
        const waiter = {
          matches,
          take: (item: Item): void => {
            clearTimeout(timer);
            resolve(item);
          },
        };
        const timer = setTimeout(() => {
          waiters.splice(waiters.indexOf(waiter), 1);
          const came = items.map(show).join("\n  ") || "nothing";
          reject(new Error(`${owner} waited ${milliseconds} ms for ${matches.toString()}; there came\n  ${came}`, { cause: called }));
        }, milliseconds);
        waiters.push(waiter);
      });
    },
    rest: () => items,
  };
}
