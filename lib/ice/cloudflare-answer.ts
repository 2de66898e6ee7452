import { type IceServer, isIceUri, needsCredential } from "./ice-server.ts";

const [maxServers, maxUris, maxSecret] = [10, 20, 1024] as const;

/**
 * The servers in an answer of Cloudflare Realtime TURN (`generate-ice-servers`), without the addresses at port 53, which browsers do not
 * call. Undefined if it is not such an answer.
 */
export function readCloudflareAnswer(text: string): IceServer[] | undefined {
  const { iceServers: written } = parsed(text);
  // One server in place of a list, as in older answers.
  const list: unknown[] = Array.isArray(written) ? written : [written];
  if (list.length > maxServers) return undefined;
  const servers = list.map(readServer);
  if (!servers.every((server) => server !== undefined)) return undefined;
  return servers.filter(({ urls }) => urls.length > 0);
}

function readServer(written: unknown): IceServer | undefined {
  if (typeof written !== "object" || written === null) return undefined;
  const { urls: some, username, credential } = written as Readonly<Record<string, unknown>>;
  const urls: unknown[] = Array.isArray(some) ? some : [some];
  if (urls.length > maxUris || !urls.every((uri) => typeof uri === "string" && isIceUri(uri))) return undefined;
  const usable = (urls as string[]).filter((uri) => !/:53(?:\?|$)/.test(uri));
  if (!needsCredential({ urls: usable })) return { urls: usable };
  return isSecret(username) && isSecret(credential) ? { urls: usable, username, credential } : undefined;
}

function isSecret(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= maxSecret;
}

function parsed(text: string): { readonly iceServers?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return {};
  }
}
