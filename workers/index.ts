import { connectByCertificate } from "./certificate-sign-in.ts";
import { health } from "./health.ts";
import { metrics } from "./metrics.ts";
import { Hono } from "hono";
import { type PresentedCredentials, type TlsClientAuthentication, presentedBy } from "../lib/authentication/presented-credentials.ts";
import { isTokenForm } from "../lib/authentication/token-issuer.ts";
import { canonicalUser } from "../lib/syntax/uri.ts";
import { api } from "./api/api.ts";
import { readConfiguration } from "../platform/configuration.ts";
import type { CallRecord } from "../lib/proxy/call-record/call-record.ts";
import { AuditStore } from "../platform/directory/audit-store.ts";
import { keepRecords } from "../platform/call-records.ts";
import { CallStore } from "../platform/directory/call-store.ts";
import { directoryOf } from "../platform/directory/directory.ts";
import { DirectoryUnavailable } from "../platform/directory/errors.ts";
import type { Environment } from "../platform/environment.ts";
import { KeptAnswerStore } from "../platform/directory/kept-answer-store.ts";
import { KeyStore } from "../platform/directory/key-store.ts";
import { TokenUseStore } from "../platform/directory/token-use-store.ts";
import { connectDedicated, openingOf } from "./home-socket.ts";
import { authorizationServerOf } from "../platform/tokens/token-verifier.ts";
import { findPeer } from "../platform/directory/peers.ts";
import { connectKnownPeer, peerRefusal } from "./peer-sign-in.ts";
import { serveShared } from "./edge-proxy.ts";
import { connectByToken, cookieTokenOf, tokenOf, tokenRefusal } from "./token-sign-in.ts";
import { serveRedirects } from "./redirect.ts";
import { serveTcp } from "./tcp.ts";
import { addressPrefix, plain, refuseUpgrade } from "./upgrade.ts";

export { DomainEvents } from "../durable-objects/domain-events.ts";
export { AddressOfRecord } from "../durable-objects/address-of-record.ts";
export { NextHop } from "../durable-objects/next-hop.ts";
export { OffhookService } from "./service.ts";

const upgrades = new Map([
  ["ws", connect],
  ["redirect", redirect],
]);

const app = new Hono<{ Bindings: Environment }>();

app.route("/api/v1", api);
app.get("/health", (context) => health(context.env, Date.now()));
app.get("/metrics", (context) => metrics(context.env, context.req.raw, Date.now()));
app.notFound((context) => context.env.ASSETS.fetch(context.req.raw));

export default {
  fetch: async (request: Request, environment: Environment, context?: ExecutionContext) =>
    unsniffed(await (upgradeAt(request, environment) ?? app.fetch(request, environment, context))),
  connect: (socket, environment) => serveTcp(environment, socket),
  queue: ({ messages }, environment) => keepQueued(environment, messages),
  scheduled: (_event, environment) => deleteOld(environment, Date.now()),
} satisfies ExportedHandler<Environment, CallRecord>;

/** Together; if that fails, one by one, and only those that fail are delivered again. */
async function keepQueued(environment: Environment, messages: readonly Message<CallRecord>[]): Promise<void> {
  const all = messages.map(({ body }) => body);
  try {
    await keepRecords(environment, all);
    return;
  } catch (error) {
    console.error(JSON.stringify({ note: "records of calls could not be kept together", count: all.length, error: String(error) }));
  }
  for (const message of messages) {
    try {
      await keepRecords(environment, [message.body]);
      message.ack();
    } catch {
      message.retry();
    }
  }
}

/** What is kept for some days only. A deletion that fails does not stop the others. */
async function deleteOld(environment: Environment, now: number): Promise<void> {
  const { DIRECTORY } = environment;
  await Promise.all([
    new CallStore(DIRECTORY).deleteOld(now, readConfiguration(environment).callRecordDays),
    new AuditStore(DIRECTORY).deleteOld(now),
    new KeyStore(DIRECTORY).deleteOld(now),
    new KeptAnswerStore(DIRECTORY).deleteOld(now),
    new TokenUseStore(DIRECTORY).deleteOld(now),
  ]);
}

/**
 * `/ws`, `/ws/{address}`, and the same for the redirect server. Undefined for any other path. Without the router, because many phones
 * connect at once after a restart.
 */
function upgradeAt(request: Request, environment: Environment): Promise<Response> | undefined {
  const [, way = "", hint, ...more] = new URL(request.url).pathname.split("/");
  const serve = upgrades.get(way);
  if (serve === undefined || request.method !== "GET" || hint === "" || more.length > 0) return undefined;
  return serve(request, environment, hint === undefined ? undefined : decoded(hint));
}

/** Without its escapes; as it is if they are no UTF-8. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return text;
  }
}

/** Browsers must not guess another content type. */
function unsniffed(response: Response): Response {
  if (response.status === 101 || response.headers.has("X-Content-Type-Options")) return response;
  const copy = new Response(response.body, response);
  copy.headers.set("X-Content-Type-Options", "nosniff");
  return copy;
}

/**
 * The two ways in. The name in the URL is a hint, never an identity: if its home is open, the socket goes there, and the home challenges;
 * otherwise, and without a name, the edge proxy serves the socket itself. For a name in one of our domains it challenges for that user as
 * the home would, whether the user exists or not: clients must not learn which users exist.
 */
async function connect(request: Request, environment: Environment, hint: string | undefined): Promise<Response> {
  const refusal = await refuseConnection(request, environment);
  if (refusal !== undefined) return refusal;
  const { host, address } = arrivalOf(request, environment);
  const shown = presentedBy(request.headers.get("Authorization"), request.cf?.["tlsClientAuth"] as TlsClientAuthentication | undefined);
  if (shown.token !== undefined || shown.certificate !== undefined) {
    const peer = await connectPeer(environment, shown, { way: "dedicated", host, address });
    if (peer !== undefined) return peer;
  }
  const named = hint === undefined ? undefined : readHint(hint, host);
  const [token, inCookie] = [tokenOf(request), cookieTokenOf(request, environment)];
  const offered = token ?? inCookie;
  const origin = request.headers.get("Origin");
  const byToken =
    offered === undefined
      ? undefined
      : await attempt(() => connectByToken(environment, { text: offered, origin }, { way: "dedicated", host, address }, named));
  if (byToken !== undefined) return byToken;
  if (token !== undefined) return tokenRefusal();
  const byCertificate = await attempt(() => connectByCertificate(environment, request, { way: "dedicated", host, address }, named));
  return byCertificate ?? connectNamed(environment, { host, address }, named);
}

/** @param named the user whom the URL names */
async function connectNamed(
  environment: Environment,
  { host, address }: ReturnType<typeof arrivalOf>,
  named: ReturnType<typeof readHint> | undefined,
): Promise<Response> {
  if (named === undefined) return serveShared(environment, { host, address, account: undefined });
  return attempt(async () => {
    const answer = await directoryOf(environment).find(named.user, named.domain);
    if (answer.kind === "foreign") return serveShared(environment, { host, address, account: undefined });
    if (answer.kind === "unknown")
      return serveShared(environment, { host, address, account: { username: named.user, domain: named.domain } });
    if (!answer.subscriber.opened) return serveShared(environment, { host, address, account: answer.subscriber });
    const authorizationServer = await authorizationServerOf(environment, named.domain);
    return connectDedicated(environment, {
      ...{ way: "dedicated", host, address, subscriber: answer.subscriber, isAuthenticated: false },
      ...(authorizationServer === undefined ? {} : { authorizationServer }),
    });
  });
}

/** Work that needs the directory: 503 if that is away. */
async function attempt<T>(work: () => Promise<T>): Promise<T | Response> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DirectoryUnavailable)) throw error;
    return plain(503, "The directory cannot be reached: try again.", { "Retry-After": "5" });
  }
}

/** The server of another domain, by its credentials; undefined for those of a phone: a certificate, or the token of an issuer. */
async function connectPeer(
  environment: Environment,
  shown: PresentedCredentials,
  arrival: Parameters<typeof openingOf>[1],
): Promise<Response | undefined> {
  return attempt(async () => {
    const peer = await findPeer(environment, shown);
    if (peer !== undefined) return connectKnownPeer(environment, shown, peer, arrival);
    if (shown.token === undefined || isTokenForm(shown.token)) return undefined;
    return peerRefusal();
  });
}

/** The redirect server (RFC 3261 §8.3): only this Worker holds the socket. */
async function redirect(request: Request, environment: Environment, hint: string | undefined): Promise<Response> {
  const refusal = await refuseConnection(request, environment);
  if (refusal !== undefined) return refusal;
  const { host } = arrivalOf(request, environment);
  return serveRedirects(environment, { host, account: hint === undefined ? undefined : readHint(hint, host) });
}

async function refuseConnection(request: Request, environment: Environment): Promise<Response | undefined> {
  const refusal = refuseUpgrade(request, readConfiguration(environment));
  if (refusal !== undefined) return refusal;
  const { success } = await environment.CONNECTION_RATE.limit({ key: addressPrefix(request) });
  return success ? undefined : plain(429, "Too many connections from this address: try again in a minute.", { "Retry-After": "60" });
}

function arrivalOf(request: Request, environment: Environment): { readonly host: string; readonly address: string } {
  return { host: readConfiguration(environment).publicHost ?? new URL(request.url).host, address: addressPrefix(request) };
}

/** `alice@example.com`, or `alice` at the host that was connected to. */
function readHint(hint: string, host: string): { readonly user: string; readonly domain: string } {
  const at = hint.lastIndexOf("@");
  const domain = at < 0 ? host.replace(/:\d+$/, "") : hint.slice(at + 1);
  return { user: canonicalUser(at < 0 ? hint : hint.slice(0, at)), domain: domain.toLowerCase() };
}
