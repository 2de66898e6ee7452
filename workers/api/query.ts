import { pathFits } from "./allowed-methods.ts";
import { Problem } from "./problem.ts";

interface Definition {
  readonly type: string;
  readonly route?: { readonly method: string; readonly path: string; readonly request?: { readonly query?: unknown } };
}

/**
 * Refuses unknown and repeated query parameters: otherwise a misspelt one would be ignored.
 * @param definitions those of the API's description
 * @param path without the prefix of the API
 */
export function refuseUnknownQuery(definitions: readonly Definition[], method: string, path: string, query: URLSearchParams): void {
  const wanted = method === "HEAD" ? "get" : method.toLowerCase();
  const route = definitions.map((definition) => definition.route).find((one) => one?.method === wanted && pathFits(one.path, path));
  if (route === undefined) return;
  const known = namesOf(route.request?.query);
  for (const name of query.keys()) {
    if (!known.includes(name)) throw new Problem(400, `${name}: there is no such query parameter here; ${told(known)}`);
    if (query.getAll(name).length > 1) throw new Problem(400, `${name}: is given more than once`);
  }
}

/** @param schema that of an object */
function namesOf(schema: unknown): string[] {
  return schema === undefined ? [] : Object.keys((schema as { readonly shape: object }).shape);
}

function told(names: readonly string[]): string {
  return names.length === 0 ? "this path takes none" : `this path takes ${names.join(", ")}`;
}
