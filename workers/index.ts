import { Hono } from "hono";
import { canonicalUser } from "../lib/syntax/uri.ts";
import { api } from "./api/api.ts";
import { readConfiguration } from "./configuration.ts";
import { DirectoryUnavailable, directoryOf } from "./directory.ts";
import type { Environment } from "./environment.ts";
import { connectDirectly } from "./home-socket.ts";
import { serveGenerally } from "./proxy.ts";
import { addressPrefix, plain, refuseUpgrade } from "./upgrade.ts";

export { AddressOfRecord } from "../durable-objects/address-of-record.ts";

const app = new Hono<{ Bindings: Environment }>();

app.route("/api/v1", api);
app.get("/ws", (context) => connect(context.req.raw, context.env, undefined));
app.get("/ws/:aor", (context) => connect(context.req.raw, context.env, context.req.param("aor")));
app.notFound((context) => context.env.ASSETS.fetch(context.req.raw));

export default app;

/**
 * The two ways in. The name in the URL is a hint, never an identity: if its home is open, the socket goes there, and the home
 * challenges; otherwise, and without a name, the door serves the socket itself.
 */
async function connect(request: Request, environment: Environment, hint: string | undefined): Promise<Response> {
  const configuration = readConfiguration(environment);
  const refusal = refuseUpgrade(request, configuration);
  if (refusal !== undefined) return refusal;
  const address = addressPrefix(request);
  const { success } = await environment.CONNECTION_RATE.limit({ key: address });
  if (!success) return plain(429, "Too many connections from this address: try again in a minute.", { "Retry-After": "60" });
  const host = configuration.publicHost ?? new URL(request.url).host;
  const named = hint === undefined ? undefined : readHint(hint, host);
  if (named === undefined) return serveGenerally(environment, { host, address });
  try {
    const answer = await directoryOf(environment).find(named.user, named.domain);
    if (answer.kind !== "subscriber" || !answer.subscriber.opened) return serveGenerally(environment, { host, address });
    return await connectDirectly(environment, { way: "direct", host, address, subscriber: answer.subscriber, isAuthenticated: false });
  } catch (error) {
    if (!(error instanceof DirectoryUnavailable)) throw error;
    return plain(503, "The directory cannot be reached: try again.", { "Retry-After": "5" });
  }
}

/** `alice@example.com`, or `alice` at the host that was connected to. */
function readHint(hint: string, host: string): { readonly user: string; readonly domain: string } {
  const at = hint.lastIndexOf("@");
  const domain = at < 0 ? host.replace(/:\d+$/, "") : hint.slice(at + 1);
  return { user: canonicalUser(at < 0 ? hint : hint.slice(0, at)), domain: domain.toLowerCase() };
}
