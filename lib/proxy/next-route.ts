import type { Alterations } from "../syntax/alter.ts";
import { isFault } from "../syntax/fault.ts";
import { type Request, hasHeader, headerValues } from "../syntax/message.ts";
import { parseNameAddress } from "../syntax/name-address.ts";
import { parameter } from "../syntax/parameters.ts";
import { parseUri, serialiseUri } from "../syntax/uri.ts";

/** What is altered in a request for its remaining route. */
export interface NextRoute extends Pick<Alterations, "requestUri" | "popRoutes" | "append"> {
  /** Route lines to put before those of the request. */
  readonly routes: readonly (readonly [name: string, value: string])[];
}

/**
 * RFC 3261 §16.6 step 6: a first Route without `lr` is a strict router. It expects its own URI in the Request-URI, and the target as the
 * last Route.
 * @param request without our own Routes
 * @param target the new Request-URI; undefined leaves it as it is
 * @param path the Path of the binding, which leads to the target (RFC 3327 §5.4)
 */
export function nextRoute(request: Request, target: string | undefined, path: readonly string[]): NextRoute {
  const strict = strictTarget(path.length > 0 || !hasHeader(request, "route") ? path : headerValues(request, "route"));
  if (strict === undefined) return { ...(target === undefined ? {} : { requestUri: target }), routes: lines(path) };
  return {
    requestUri: strict,
    routes: lines(path.slice(1)),
    ...(path.length === 0 ? { popRoutes: 1 } : {}),
    append: [["Route", `<${target ?? request.requestUri}>`]],
  };
}

/** The Request-URI that a request gets by the first of its remaining Routes; undefined if that is loose, or there is none. */
export function strictTarget([first]: readonly string[]): string | undefined {
  return first === undefined ? undefined : strictRouter(first);
}

/** The Request-URI for a strict router; undefined if the route is loose, or cannot be parsed. */
function strictRouter(route: string): string | undefined {
  const address = parseNameAddress(route);
  const uri = isFault(address) ? address : parseUri(address.uri);
  if (isFault(uri) || uri.kind !== "sip" || parameter(uri.parameters, "lr") !== undefined) return undefined;
  // RFC 3261 §19.1.1: a Request-URI has neither a method nor headers.
  const parameters = uri.parameters.filter(([name]) => name.toLowerCase() !== "method");
  return serialiseUri({ ...uri, parameters, headers: undefined });
}

function lines(routes: readonly string[]): NextRoute["routes"] {
  return routes.map((route) => ["Route", route] as const);
}
