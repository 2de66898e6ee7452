import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import app from "../../workers/index.ts";
import type { Phone } from "../support/phone.ts";
import { newcomers, phoneOn } from "./support/homes.ts";

/** The directory, with what is done at each question. */
function directory(asked: () => void, answers: (username: string) => boolean): D1Database {
  const never = new Promise<never>(() => undefined);
  const wrapped = (statement: D1PreparedStatement, values: readonly unknown[] = []): D1PreparedStatement =>
    new Proxy(statement, {
      get: (target, name) => {
        if (name === "bind") return (...bound: unknown[]) => wrapped(target.bind(...bound), bound);
        if (name !== "first" && name !== "all") return Reflect.get(target, name) as unknown;
        asked();
        if (values.some((value) => typeof value === "string" && !answers(value))) return () => never;
        return (Reflect.get(target, name) as () => unknown).bind(target);
      },
    });
  return { prepare: (query: string) => wrapped(env.DIRECTORY.prepare(query)) } as unknown as D1Database;
}

async function connect(DIRECTORY: D1Database, path: string, account: string): Promise<Phone> {
  const request = new Request(`http://localhost${path}`, { headers: { Upgrade: "websocket", "Sec-WebSocket-Protocol": "sip" } });
  const { webSocket } = await app.fetch(request, { ...env, DIRECTORY }, createExecutionContext());
  if (webSocket === null) throw new Error("the upgrade was refused");
  webSocket.binaryType = "arraybuffer";
  webSocket.accept();
  return phoneOn(webSocket, { account, way: "general" });
}

describe.each(["/ws", "/redirect"])("a stranger at %s", (path) => {
  it("who asks for one name after the other has few looked up, and is closed with 4429", async () => {
    let questions = 0;
    const DIRECTORY = directory(
      () => (questions += 1),
      () => true,
    );
    const stranger = await connect(DIRECTORY, path, "stranger");
    for (let count = 0; count < 100; count += 1)
      stranger.request("INVITE", `sip:${count}@localhost`, { from: `<sip:a${count}@localhost>;tag=1` });
    expect(await stranger.socket.closed).toMatchObject({ code: 4429 });
    // Of each name two things are asked.
    expect(questions).toBeGreaterThan(20);
    expect(questions).toBeLessThanOrEqual(62);
  });
});

describe("the messages of one connection that wait", () => {
  it("are so many at most, of who has authenticated too: then it is closed with 4429", async () => {
    const [alice] = await newcomers("alice");
    const DIRECTORY = directory(
      () => undefined,
      (value) => !value.startsWith("lost"),
    );
    const phone = await connect(DIRECTORY, "/ws", alice);
    expect((await phone.register()).status).toBe(200);
    for (let count = 0; count < 300; count += 1)
      phone.request("REGISTER", "sip:localhost", { from: "<sip:lost@localhost>;tag=1", to: "<sip:lost@localhost>" });
    expect(await phone.socket.closed).toMatchObject({ code: 4429, reason: expect.stringContaining("wait") as string });
  });
});
