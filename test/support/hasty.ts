/**
 * Seconds of a server's time that a test waits to run out, on a server of its own for such tests: long enough for phones on a busy
 * machine to say in time what they are to say before. Where nothing is to run out, a server has its usual times.
 */
export const hasty = "5";
