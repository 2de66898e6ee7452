import { readFileSync, readdirSync } from "node:fs";

/** CPU time of all threads of a process, which schedstat has in nanoseconds. */
export function cpuMicroseconds(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return (
    threads.reduce((sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[0]), 0) / 1000
  );
}
