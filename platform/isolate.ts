/** Identifies the isolate: the binding of the database is one object in each. */
interface Isolated {
  readonly DIRECTORY: object;
}

/**
 * A value in memory for all objects and requests of one isolate: two servers in one process do not share it.
 * @param make makes it at the first use
 */
export function oneInIsolate<Environment extends Isolated, T extends object>(
  make: (environment: Environment) => T,
): (environment: Environment) => T {
  const made = new WeakMap<object, T>();
  return (environment) => {
    const one = made.get(environment.DIRECTORY) ?? make(environment);
    made.set(environment.DIRECTORY, one);
    return one;
  };
}
