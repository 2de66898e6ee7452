import { type Server, type ServerResponse, createServer } from "node:http";
import { Webhook } from "standardwebhooks";
import type { Decision, IncomingCall } from "../../lib/routing/routing.ts";
import { portOf } from "./own-port.ts";

/** A customer's application that decides where calls go. */
export class RouterApplication {
  readonly server: Server;
  readonly asked: IncomingCall[] = [];
  secret = "";
  /** How it answers: a decision, or a status, or nothing at all. */
  decide: (call: IncomingCall) => Decision | number | undefined | Promise<Decision> = () => ({ action: "continue" });

  constructor() {
    this.server = createServer((request, response) => {
      const octets: Buffer[] = [];
      request.on("data", (chunk: Buffer) => octets.push(chunk));
      request.on("end", () => {
        const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
        const call = new Webhook(this.secret).verify(Buffer.concat(octets).toString(), headers) as IncomingCall;
        this.asked.push(call);
        void this.#answer(call, response);
      });
    });
  }

  async #answer(call: IncomingCall, response: ServerResponse): Promise<void> {
    const answer = await this.decide(call);
    if (answer === undefined) return;
    if (typeof answer === "number") response.writeHead(answer, { Location: "/elsewhere" }).end();
    else response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(answer));
  }

  get url(): string {
    return `http://127.0.0.1:${portOf(this.server)}/route`;
  }
}
