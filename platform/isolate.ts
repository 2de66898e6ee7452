/** What tells isolates apart: the binding of the database is one object in each. */
interface Isolated {
  readonly DIRECTORY: object;
}

/**
 * What is kept in memory for all objects and requests of one isolate, and for nobody else: two servers in one process do not
 * share what they have learned.
 * @param make makes it when it is first asked for
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
