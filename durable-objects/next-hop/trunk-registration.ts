import { credentialsFor } from "../../lib/authentication/client.ts";
import type { Keyring } from "../../lib/authentication/keyring.ts";
import { type NamedHop, hopName } from "../../lib/routing/hop-name.ts";
import type { Essentials } from "../../lib/syntax/essentials.ts";
import { parseDeltaSeconds } from "../../lib/syntax/integers.ts";
import { type Response, headerValue, headerValues } from "../../lib/syntax/message.ts";
import { randomText } from "../room/random.ts";
import type { Connection } from "./connection.ts";

/** Seconds that we ask for. */
const wanted = 600;
/** Milliseconds. */
const patience = 8000;

/** Our registration at a trunk's server (RFC 3261 §10.2): over the connection that calls shall come by. */
export class TrunkRegistration {
  readonly #keyring: Keyring;
  readonly #hop: NamedHop;
  /** The same over every loss of memory (RFC 3261 §10.2), and so its CSeq grows with time. */
  readonly #callId: string;
  #cseq = 0;
  #waiting: { readonly branch: string; readonly resolve: (response: Response | undefined) => void } | undefined;

  constructor(keyring: Keyring, hop: NamedHop) {
    this.#keyring = keyring;
    this.#hop = hop;
    this.#callId = keyring.mac("context", hopName(hop, hop.trunk)).slice(0, 24);
  }

  /** Resolves with the seconds that were granted; undefined if we are not registered. */
  async register(connection: Connection, account: { readonly username: string; readonly password: string }): Promise<number | undefined> {
    const first = await this.#send(connection, account.username, []);
    const isAsked = first?.status === 401 || first?.status === 407;
    const answer = first !== undefined && isAsked ? await this.#authenticate(connection, account, first) : first;
    if (answer === undefined || answer.status >= 300) {
      console.error(JSON.stringify({ note: "a trunk did not register us", trunk: this.#hop.trunk, status: answer?.status ?? "silence" }));
      return undefined;
    }
    const own = headerValues(answer, "contact").find((contact) => contact.includes(connection.host));
    const told = /;\s*expires\s*=\s*(\d+)/i.exec(own ?? "")?.[1] ?? headerValue(answer, "expires");
    return Math.max(20, parseDeltaSeconds(told) ?? wanted);
  }

  /** Whether a response is for this. */
  hears(response: Response, { via, cseq }: Essentials): boolean {
    if (cseq.method !== "REGISTER" || this.#waiting === undefined || via.branch !== this.#waiting.branch) return false;
    if (response.status >= 200) this.#waiting.resolve(response);
    return true;
  }

  async #authenticate(
    connection: Connection,
    account: { readonly username: string; readonly password: string },
    refusal: Response,
  ): Promise<Response | undefined> {
    const [asked, answered] =
      refusal.status === 401 ? ["www-authenticate", "Authorization"] : ["proxy-authenticate", "Proxy-Authorization"];
    const request = { method: "REGISTER", uri: this.#registrar };
    const credentials = credentialsFor(this.#keyring, headerValues(refusal, asked), request, account, randomText());
    return credentials === undefined ? refusal : this.#send(connection, account.username, [`${answered}: ${credentials}`]);
  }

  get #registrar(): string {
    return `sip:${this.#hop.host}`;
  }

  async #send(connection: Connection, username: string, more: readonly string[]): Promise<Response | undefined> {
    this.#cseq = Math.max(this.#cseq + 1, Math.floor(Date.now() / 1000));
    const branch = `z9hG4bK${randomText()}${randomText()}`;
    const address = `sip:${username}@${this.#hop.host}`;
    const lines = [
      `REGISTER ${this.#registrar} SIP/2.0`,
      `Via: SIP/2.0/${connection.transport} ${connection.host};branch=${branch};rport;alias`,
      "Max-Forwards: 70",
      `From: <${address}>;tag=${randomText()}`,
      `To: <${address}>`,
      `Call-ID: ${this.#callId}`,
      `CSeq: ${this.#cseq} REGISTER`,
      `Contact: <sip:${username}@${connection.host};transport=${connection.transport.toLowerCase()}>`,
      `Expires: ${wanted}`,
      ...more,
      "Content-Length: 0",
    ];
    const answer = new Promise<Response | undefined>((resolve) => {
      this.#waiting = { branch, resolve };
    });
    const timer = setTimeout(() => this.#waiting?.resolve(undefined), patience);
    connection.send(`${lines.join("\r\n")}\r\n\r\n`, false);
    const response = await answer;
    clearTimeout(timer);
    this.#waiting = undefined;
    return response;
  }
}
