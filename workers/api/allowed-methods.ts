interface Definition {
  readonly type: string;
  readonly route?: { readonly method: string; readonly path: string };
}

const order = ["GET", "HEAD", "PUT", "POST", "DELETE"];

/**
 * The methods of a path of the API, for Allow (RFC 9110 §10.2.1); none if there is no such path.
 * @param definitions those of the API's description
 * @param path without the prefix of the API
 */
export function allowedMethods(definitions: readonly Definition[], path: string): string[] {
  const methods = definitions.flatMap(({ route }) =>
    route !== undefined && pathFits(route.path, path) ? [route.method.toUpperCase()] : [],
  );
  if (methods.includes("GET")) methods.push("HEAD");
  return order.filter((method) => methods.includes(method));
}

/**
 * Whether a path matches a pattern.
 * @param pattern `/domains/{domain}`
 */
export function pathFits(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.split("/"), path.split("/")];
  return (
    wanted.length === given.length && wanted.every((part, index) => (part.startsWith("{") ? given[index] !== "" : part === given[index]))
  );
}
