/**
 * Milliseconds that a test waits for what must come. Only an upper bound: it ends the wait for what never comes, and is long
 * enough for a machine that has much else to do. What must come soon is measured by the server's own times, not by this.
 */
export const patience = 60_000;
