import { answerOf } from "./answer-of.ts";
import { DirectoryUnavailable } from "./errors.ts";

/** The same database, with its failures as `DirectoryUnavailable`, except errors in the request or in the tables. */
export function guarded(database: D1Database): D1Database {
  return {
    prepare: (query: string) => guardedStatement(database.prepare(query)),
    batch: (statements: readonly D1PreparedStatement[]) =>
      answered(database.batch(statements.map((statement) => (statement as GuardedStatement).inner))),
  } as unknown as D1Database;
}

/** A batch needs the platform's own statements. */
type GuardedStatement = D1PreparedStatement & { readonly inner: D1PreparedStatement };

function guardedStatement(inner: D1PreparedStatement): GuardedStatement {
  return {
    inner,
    bind: (...values: unknown[]) => guardedStatement(inner.bind(...values)),
    first: () => answered(inner.first()),
    all: () => answered(inner.all()),
    run: () => answered(inner.run()),
  } as unknown as GuardedStatement;
}

async function answered<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (isOfTheRequest(error)) throw error;
    return answerOf(Promise.reject(error));
  }
}

function isOfTheRequest(error: unknown): boolean {
  return /constraint failed|no such (?:table|column)|syntax error/i.test(String(error));
}

/** Whether an error is a failure of the directory, also if an object returned it over the network, as a text. */
export function isDirectoryAway(error: unknown): boolean {
  return error instanceof DirectoryUnavailable || (error instanceof Error && /DirectoryUnavailable/.test(`${error.name} ${error.message}`));
}
