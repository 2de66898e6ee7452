/**
 * The work that something takes: milliseconds of this thread's own time on a processor, which grow with what is done and not
 * with what else the machine does meanwhile.
 */
export function workOf(deed: () => unknown): number {
  const before = process.threadCpuUsage();
  deed();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}
