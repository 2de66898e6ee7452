import { credentialsFor } from "../../lib/authentication/client.ts";
import type { Keyring } from "../../lib/authentication/keyring.ts";
import { type NamedHop, hopName } from "../../lib/routing/hop-name.ts";
import { parseDeltaSeconds } from "../../lib/syntax/integers.ts";
import { type Response, headerValue, headerValues } from "../../lib/syntax/message.ts";
import { randomText } from "../room/random.ts";
import type { Connection } from "./connection.ts";

/** Seconds that we ask for. */
const wanted = 600;
/** Milliseconds. */
const patience = 8000;

export interface Account {
  readonly username: string;
  readonly password: string;
}

/** Our registration at a trunk's server (RFC 3261 §10.2): over the connection that calls shall come by. */
export class TrunkRegistration {
  readonly #keyring: Keyring;
  readonly #hop: NamedHop;
  /** The same over every loss of memory (RFC 3261 §10.2), and so its CSeq grows with time. */
  readonly #callId: string;
  #cseq = 0;

  constructor(keyring: Keyring, hop: NamedHop) {
    this.#keyring = keyring;
    this.#hop = hop;
    this.#callId = keyring.mac("context", hopName(hop, hop.trunk)).slice(0, 24);
  }

  /** Resolves with the seconds that were granted; undefined if we are not registered. */
  async register(connection: Connection, account: Account): Promise<number | undefined> {
    const answer = await this.#transact(connection, account, wanted);
    if (answer === undefined || answer.status >= 300) {
      console.error(JSON.stringify({ note: "a trunk did not register us", trunk: this.#hop.trunk, status: answer?.status ?? "silence" }));
      return undefined;
    }
    const own = headerValues(answer, "contact").find((contact) => contact.includes(connection.host));
    const told = /;\s*expires\s*=\s*(\d+)/i.exec(own ?? "")?.[1] ?? headerValue(answer, "expires");
    return Math.max(20, parseDeltaSeconds(told) ?? wanted);
  }

  /** RFC 3261 §10.2.2: the server is told that no more calls shall come by this connection. Whatever it answers, we do not come back. */
  async unregister(connection: Connection, account: Account): Promise<void> {
    await this.#transact(connection, account, 0);
  }

  /** RFC 3261 §22.2: a challenge is answered, once. */
  async #transact(connection: Connection, account: Account, expires: number): Promise<Response | undefined> {
    const first = await this.#send(connection, account.username, expires, []);
    if (first?.status !== 401 && first?.status !== 407) return first;
    const [asked, answered] = first.status === 401 ? ["www-authenticate", "Authorization"] : ["proxy-authenticate", "Proxy-Authorization"];
    const request = { method: "REGISTER", uri: this.#registrar };
    const credentials = credentialsFor(this.#keyring, headerValues(first, asked), request, account, randomText());
    return credentials === undefined ? first : this.#send(connection, account.username, expires, [`${answered}: ${credentials}`]);
  }

  get #registrar(): string {
    return `sip:${this.#hop.host}`;
  }

  #send(connection: Connection, username: string, expires: number, more: readonly string[]): Promise<Response | undefined> {
    this.#cseq = Math.max(this.#cseq + 1, Math.floor(Date.now() / 1000));
    const address = `sip:${username}@${this.#hop.host}`;
    const lines = [
      "Max-Forwards: 70",
      `From: <${address}>;tag=${randomText()}`,
      `To: <${address}>`,
      `Call-ID: ${this.#callId}`,
      `CSeq: ${this.#cseq} REGISTER`,
      `Contact: <sip:${username}@${connection.host};transport=${connection.transport === "WSS" ? "ws" : connection.transport.toLowerCase()}>`,
      `Expires: ${expires}`,
      ...more,
    ];
    return connection.ask(`REGISTER ${this.#registrar} SIP/2.0`, lines, patience);
  }
}
