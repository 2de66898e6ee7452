import type { MiddlewareHandler } from "hono";
import { readConfiguration } from "../../platform/configuration.ts";
import type { ApiEnvironment } from "./actor.ts";
import { Problem } from "./problem.ts";

/** Seconds for which a browser need not ask again. */
const preflightAge = "7200";

/**
 * Lets pages of other origins read the answers of a path: the origins whose pages may connect by WebSocket. Credentials that the browser
 * sends by itself are not admitted, so a page has to have them. It stands before the authorisation, since a preflight has no credentials.
 * @param methods that the path takes
 */
export const crossOrigin =
  (methods: string): MiddlewareHandler<ApiEnvironment> =>
  async (context, next) => {
    const origin = context.req.header("Origin");
    if (origin === undefined) return next();
    const { allowedOrigins } = readConfiguration(context.env);
    if (allowedOrigins !== undefined && !allowedOrigins.includes(origin))
      throw new Problem(403, "pages of this origin may not read this: add it to ALLOWED_ORIGINS", { Vary: "Origin" });
    const admitted = { "Access-Control-Allow-Origin": origin, Vary: "Origin" };
    if (context.req.method === "OPTIONS" && context.req.header("Access-Control-Request-Method") !== undefined) {
      const preflight = { "Access-Control-Allow-Methods": methods, "Access-Control-Allow-Headers": "Authorization, Content-Type" };
      return context.body(null, 204, { ...admitted, ...preflight, "Access-Control-Max-Age": preflightAge });
    }
    await next();
    for (const [name, value] of Object.entries(admitted)) context.res.headers.set(name, value);
    context.res.headers.set("Access-Control-Expose-Headers", "Retry-After");
  };
