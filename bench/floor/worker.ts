import { DurableObject } from "cloudflare:workers";

interface Environment {
  readonly HOME: DurableObjectNamespace<FloorHome>;
}

/**
 * The floor: the least a Worker with Durable Objects can do and still move equal frames over equal hops and write equal
 * rows. It reads no SIP. A frame starts with one letter that says what to do, then the name of the other home and a bar.
 */
export default {
  async fetch(request: Request, environment: Environment): Promise<Response> {
    const name = new URL(request.url).pathname.slice("/ws/".length);
    return environment.HOME.getByName(name).fetch(request);
  },
};

const TRYING = `SIP/2.0 100 Trying\r\n${"X-Floor: the headers which a 100 repeats from its INVITE\r\n".repeat(6)}\r\n`;

/** As long as what is noted of a call with one branch. */
const STATE = "-".repeat(400);

export class FloorHome extends DurableObject<Environment> {
  #stubs = new Map<string, DurableObjectStub<FloorHome>>();

  constructor(context: DurableObjectState, environment: Environment) {
    super(context, environment);
    context.setWebSocketAutoResponse(new WebSocketRequestResponsePair("\r\n\r\n", "\r\n"));
    context.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS contexts (name TEXT PRIMARY KEY, due INTEGER, state TEXT, request TEXT) WITHOUT ROWID",
    );
  }

  override async fetch(): Promise<Response> {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client, headers: { "Sec-WebSocket-Protocol": "sip" } });
  }

  override webSocketMessage(socket: WebSocket, frame: string | ArrayBuffer): void | Promise<void> {
    if (typeof frame !== "string") return;
    const bar = frame.indexOf("|");
    const name = frame.slice(1, bar);
    switch (frame[0]) {
      case "R":
        return this.#refresh(socket, frame);
      case "I":
        socket.send(TRYING);
        return this.#stub(name).ring(frame);
      case "O":
        // The answer is kept until the caller's home has it, as in ours.
        this.ctx.storage.sql.exec("UPDATE contexts SET due = ?, state = ?", Date.now() + 32_000, frame);
        return this.#stub(name).pass(frame);
      case "A":
        return this.#stub(name).settle(frame);
      default:
        return this.#stub(name).pass(frame);
    }
  }

  override webSocketClose(socket: WebSocket): void {
    socket.close();
  }

  /** The nothing which ends an alarm. */
  override alarm(): void {}

  /** A frame that is only passed on: MESSAGE, 180, BYE and their answers. */
  pass(frame: string): void {
    for (const socket of this.ctx.getWebSockets()) socket.send(frame);
  }

  /** An INVITE arrives at the callee's home: one row and one alarm. */
  async ring(frame: string): Promise<void> {
    const due = Date.now() + 185_000;
    this.ctx.storage.sql.exec("INSERT INTO contexts VALUES (?, ?, ?, ?)", frame.slice(1, frame.indexOf("|")), due, STATE, frame);
    await this.ctx.storage.setAlarm(due);
    this.pass(frame);
  }

  /** The call is through: the row goes. */
  settle(frame: string): void {
    this.ctx.storage.sql.exec("DELETE FROM contexts");
    this.pass(frame);
  }

  /** A REGISTER that changes nothing: its new expiry rides in the attachment. */
  #refresh(socket: WebSocket, frame: string): void {
    socket.serializeAttachment({ expires: Date.now() + 600_000, frame: frame.length });
    socket.send(frame);
  }

  #stub(name: string): DurableObjectStub<FloorHome> {
    const known = this.#stubs.get(name);
    if (known !== undefined) return known;
    const stub = this.env.HOME.getByName(name);
    this.#stubs.set(name, stub);
    return stub;
  }
}
