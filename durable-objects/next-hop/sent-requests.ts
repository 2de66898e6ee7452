import { credentialsFor } from "../../lib/authentication/client.ts";
import type { Keyring } from "../../lib/authentication/keyring.ts";
import { alter } from "../../lib/syntax/alter.ts";
import { type Request as SipRequest, type Response as SipResponse, hasHeader, headerValues } from "../../lib/syntax/message.ts";
import { randomText } from "../room/random.ts";
import type { Account } from "./trunk-registration.ts";

const mostKept = 500;

/** Requests as they were sent, by the branch of our Via: for their ACK, and for their repetition with credentials. */
export class SentRequests {
  readonly #requests = new Map<string, SipRequest>();

  has(branch: string): boolean {
    return this.#requests.has(branch);
  }

  get(branch: string): SipRequest | undefined {
    return this.#requests.get(branch);
  }

  remember(branch: string, request: SipRequest): void {
    this.#requests.set(branch, request);
    const oldest = this.#requests.keys().next();
    if (this.#requests.size > mostKept && oldest.done !== true) this.#requests.delete(oldest.value);
  }

  forget(branch: string): void {
    this.#requests.delete(branch);
  }

  clear(): void {
    this.#requests.clear();
  }
}

/**
 * A request with credentials for a 401 or 407 (RFC 3261 §22), in a transaction of its own; undefined if it had some already, or the
 * challenge is one that we cannot answer.
 * @param branch of our Via on the request as it was sent
 */
export function withCredentials(
  keyring: Keyring,
  account: Account,
  { sent, branch }: { readonly sent: SipRequest; readonly branch: string },
  response: SipResponse,
): { readonly text: string; readonly branch: string } | undefined {
  const [asked, answered] =
    response.status === 401 ? (["www-authenticate", "Authorization"] as const) : (["proxy-authenticate", "Proxy-Authorization"] as const);
  if (hasHeader(sent, answered.toLowerCase())) return undefined;
  const request = { method: sent.method, uri: sent.requestUri };
  const credentials = credentialsFor(keyring, headerValues(response, asked), request, account, randomText());
  if (credentials === undefined) return undefined;
  const again = `${branch}a`;
  const [own = "", ...others] = headerValues(sent, "via");
  const vias = [own.replace(`branch=${branch}`, `branch=${again}`), ...others].map((value): [string, string] => ["Via", value]);
  return { text: alter(sent, { remove: ["via"], push: vias, append: [[answered, credentials]] }), branch: again };
}
