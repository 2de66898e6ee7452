import { credentialsFor } from "../../lib/authentication/client.ts";
import type { Keyring } from "../../lib/authentication/keyring.ts";
import { type NamedHop, writtenHost } from "../../lib/routing/hop-name.ts";
import { accountUser } from "../../lib/routing/trunk.ts";
import { grantedExpires, isStale } from "../../lib/registrar/granted.ts";
import { readContacts, redirectContacts } from "../../lib/syntax/contact.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { parseDeltaSeconds } from "../../lib/syntax/integers.ts";
import { type Response, headerValue, headerValues } from "../../lib/syntax/message.ts";
import { randomText } from "../../platform/crypto/random.ts";
import type { Connection } from "./connection.ts";

/** Seconds that we ask for, unless the server has asked for more (RFC 3261 §10.2.8). */
const usual = 600;
/** Maximum seconds, if the server asks for more. */
const longest = 86_400;
/** Seconds for which a 3xx counts at least. */
const leastRedirection = 60;
/** Milliseconds. */
const patience = 8000;
/** For one registration: challenge, stale nonce, too brief an interval, and the challenge to that. */
const maxRequests = 5;

export interface Account {
  readonly username: string;
  readonly password: string;
  /** Of the address of record, if this server is not its registrar but was named by it. */
  readonly host?: string;
}

/** The result of a registration; times are seconds. */
export type Outcome =
  | { readonly kind: "registered"; readonly granted: number; readonly contact: string }
  /** To URIs, best first, for so long. */
  | { readonly kind: "redirected"; readonly contacts: readonly string[]; readonly granted: number }
  /** Status 0: no answer. Before `retryAfter` it is not to be tried again (RFC 3261 §20.33). */
  | { readonly kind: "refused"; readonly status: number; readonly retryAfter: number };

/** The parameters of one REGISTER. */
interface RegisterParameters {
  readonly contact: string;
  readonly expires: number;
}

/** Our registration at a trunk's server (RFC 3261 §10.2): over the connection that incoming calls use. */
export class TrunkRegistration {
  readonly #keyring: Keyring;
  readonly #hop: NamedHop;
  /** A new one after an eviction, because the last CSeq is then unknown (RFC 3261 §10.2.4, §10.3 step 7). */
  readonly #callId = randomText() + randomText();
  #cseq = 0;
  /** Seconds. */
  #wanted = usual;

  constructor(keyring: Keyring, hop: NamedHop) {
    this.#keyring = keyring;
    this.#hop = hop;
  }

  async register(connection: Connection, account: Account): Promise<Outcome> {
    const contact = contactOf(connection, account);
    const answer = await this.#transact(connection, account, { contact, expires: this.#wanted });
    const granted = answer === undefined || answer.status >= 300 ? 0 : grantedExpires(answer, contact, this.#wanted);
    if (granted > 0) return { kind: "registered", granted, contact };
    const contacts = answer === undefined ? [] : redirectContacts(answer);
    if (answer !== undefined && contacts.length > 0) return { kind: "redirected", contacts, granted: redirectionExpires(answer) };
    const status = answer?.status ?? 0;
    console.error(JSON.stringify({ note: "a trunk did not register us", trunk: this.#hop.trunk, status }));
    const retryAfter = parseDeltaSeconds(/^\d+/.exec((answer && headerValue(answer, "retry-after")) ?? "")?.[0]) ?? 0;
    return { kind: "refused", status, retryAfter };
  }

  /** RFC 3261 §10.2.2: removes this contact, or our present one. The answer is ignored, because we do not come back. */
  async unregister(connection: Connection, account: Account, contact = contactOf(connection, account)): Promise<void> {
    await this.#transact(connection, account, { contact, expires: 0 });
  }

  /**
   * RFC 3261 §22.2: a challenge is answered once, and once more if only its nonce was stale (RFC 7616 §3.3). §10.2.8: if the server finds
   * our time too brief, its own minimum is asked for.
   */
  async #transact(connection: Connection, account: Account, parameters: RegisterParameters): Promise<Response | undefined> {
    let { expires } = parameters;
    let credentials: string | undefined;
    let answer: Response | undefined;
    for (let count = 0; count < maxRequests; count += 1) {
      answer = await this.#send(connection, account, { ...parameters, expires }, credentials === undefined ? [] : [credentials]);
      if (answer?.status === 423 && expires > 0) {
        const least = parseDeltaSeconds(headerValue(answer, "min-expires")) ?? 0;
        if (least <= expires || least > longest) return answer;
        [expires, credentials] = [least, undefined];
        this.#wanted = least;
      } else if (answer?.status === 401 || answer?.status === 407) {
        const isAnswerable: boolean = credentials === undefined || isStale(answer);
        credentials = isAnswerable ? this.#credentialsFor(answer, account) : undefined;
        if (credentials === undefined) return answer;
      } else return answer;
    }
    return answer;
  }

  #credentialsFor(challenge: Response, account: Account): string | undefined {
    const [asked, answered] =
      challenge.status === 401 ? ["www-authenticate", "Authorization"] : ["proxy-authenticate", "Proxy-Authorization"];
    const request = { method: "REGISTER", uri: this.#registrar };
    const credentials = credentialsFor(this.#keyring, headerValues(challenge, asked), request, account, randomText());
    return credentials === undefined ? undefined : `${answered}: ${credentials}`;
  }

  get #registrar(): string {
    return `sip:${writtenHost(this.#hop.host)}`;
  }

  #send(
    connection: Connection,
    { username, host = this.#hop.host }: Account,
    { contact, expires }: RegisterParameters,
    more: readonly string[],
  ): Promise<Response | undefined> {
    this.#cseq += 1;
    const address = `sip:${accountUser(username)}@${writtenHost(host)}`;
    const lines = [
      "Max-Forwards: 70",
      `From: <${address}>;tag=${randomText()}`,
      `To: <${address}>`,
      `Call-ID: ${this.#callId}`,
      `CSeq: ${this.#cseq} REGISTER`,
      `Contact: <${contact}>`,
      `Expires: ${expires}`,
      ...more,
    ];
    return connection.ask(`REGISTER ${this.#registrar} SIP/2.0`, lines, patience);
  }
}

/** Seconds for which a 3xx counts: of its first Contact, else its Expires. */
function redirectionExpires(response: Response): number {
  const contacts = readContacts(response);
  const told = isFault(contacts) || contacts === "*" ? undefined : contacts[0]?.expires;
  const seconds = told ?? parseDeltaSeconds(headerValue(response, "expires")) ?? usual;
  return Math.min(Math.max(seconds, leastRedirection), longest);
}

/** Our end of the connection, with the name of the account. */
function contactOf({ host, transport }: Connection, { username }: Account): string {
  return `sip:${accountUser(username)}@${host};transport=${transport === "WSS" ? "ws" : transport.toLowerCase()}`;
}
