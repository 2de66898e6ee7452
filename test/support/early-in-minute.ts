const [minute, enough] = [60_000, 20_000] as const;

/**
 * The platform's stand-in counts what passes in each minute of the clock. What is counted by a test has to be in one of them: near the end of
 * one it waits for the next.
 */
export async function earlyInMinute(): Promise<void> {
  const left = minute - (Date.now() % minute);
  if (left < enough) await new Promise((resume) => setTimeout(resume, left));
}
