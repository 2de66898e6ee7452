const nowhere = (): never => {
  throw new Error("there is no Internet in the simulated world");
};

/** Where connections to other servers lead, for a test that has one. */
export const sockets: { connect: (...to: readonly unknown[]) => object } = { connect: nowhere };

/** As it was before the test. */
export function closeSockets(): void {
  sockets.connect = nowhere;
}

/** Stands in for the platform's module of this name. */
export function connect(...to: readonly unknown[]): object {
  return sockets.connect(...to);
}
