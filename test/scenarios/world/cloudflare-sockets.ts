/** Stands in for the platform's module of this name: there is no Internet in the simulated world. */
export function connect(): never {
  throw new Error("there is no Internet in the simulated world");
}
