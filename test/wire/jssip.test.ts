import JsSIP from "jssip";
import { afterAll, describe, expect, it } from "vitest";
import { jsSipPhone, registeredJsSip } from "../support/stock-phones.ts";
import { startServerUnderTest, ways, type ConnectionKind } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());
const { wsUrl } = serverUnderTest.server;

async function registered(name: string, way: ConnectionKind): Promise<{ account: string; ua: JsSIP.UA }> {
  const account = await serverUnderTest.newcomer(name);
  // On the dedicated connection a socket goes to the home only if it is open.
  if (way === "direct") (await serverUnderTest.register(account, "general")).socket.close();
  return { account, ua: await registeredJsSip({ wsUrl, account, way }) };
}

/** What JsSIP's types leave out. */
interface AbleToAsk extends JsSIP.UA {
  sendOptions(target: JsSIP.URI, body: string | undefined, options: object): unknown;
}

/** The answer to a MESSAGE or an OPTIONS: its status. */
function statusOf(send: (handlers: object) => void): Promise<number> {
  return new Promise((resolve) => {
    const eventHandlers = {
      succeeded: ({ response }: { response: { status_code: number } }) => resolve(response.status_code),
      failed: ({ response }: { response: { status_code: number } | null }) => resolve(response?.status_code ?? 0),
    };
    send({ eventHandlers });
  });
}

describe.each(ways)("stock JsSIP, on the %s way", (way) => {
  it("registers, and unregisters", async () => {
    const { ua } = await registered("alice", way);
    expect(ua.isRegistered()).toBe(true);
    const gone = new Promise((resolve) => ua.once("unregistered", resolve));
    ua.unregister();
    await gone;
    expect(ua.isRegistered()).toBe(false);
    ua.stop();
  });

  it("registers again on its flow, as it does when its time is nearly up", async () => {
    const { ua, account } = await registered("alice", way);
    const answers = (status: number): number =>
      serverUnderTest.server.logs.filter(
        (line) => line.includes(`"status":${status},"method":"REGISTER"`) && line.includes(`sip:${account}@`),
      ).length;
    await expect.poll(() => answers(200)).toBeGreaterThan(0);
    const [accepted, challenged] = [answers(200), answers(401)];
    ua.register();
    await expect.poll(() => answers(200)).toBe(accepted + 1);
    expect(answers(401)).toBe(challenged);
    expect(ua.isRegistered()).toBe(true);
    ua.stop();
  });

  it("is told that its password is wrong", async () => {
    const ua = jsSipPhone({ wsUrl, account: await serverUnderTest.newcomer("alice"), way }, { password: "wrong" });
    const failed = new Promise<string>((resolve) => ua.once("registrationFailed", ({ cause }) => resolve(String(cause))));
    ua.start();
    expect(await failed).toBe("Authentication Error");
    ua.stop();
  });

  it("sends a MESSAGE, and hears one", async () => {
    const [alice, bob] = [await registered("alice", way), await registered("bob", way)];
    const heard = new Promise<string>((resolve) => {
      bob.ua.on(
        "newMessage",
        ({
          originator,
          message,
          request,
        }: {
          originator: string;
          message: { accept(options: object): void };
          request: { body: string };
        }) => {
          if (originator !== "remote") return;
          message.accept({});
          resolve(request.body);
        },
      );
    });
    expect(await statusOf((handlers) => alice.ua.sendMessage(`sip:${bob.account}@localhost`, "from JsSIP", handlers))).toBe(200);
    expect(await heard).toBe("from JsSIP");
    for (const { ua } of [alice, bob]) ua.stop();
  });

  it("asks with OPTIONS what the server can", async () => {
    const { ua } = await registered("alice", way);
    const server = new JsSIP.URI("sip", "", "localhost");
    expect(await statusOf((handlers) => (ua as AbleToAsk).sendOptions(server, undefined, handlers))).toBe(200);
    ua.stop();
  });

  it("is told of a user who is not there, and of one who is none", async () => {
    const { ua } = await registered("alice", way);
    const carol = await serverUnderTest.newcomer("carol");
    expect(await statusOf((handlers) => ua.sendMessage(`sip:${carol}@localhost`, "hello?", handlers))).toBe(480);
    expect(await statusOf((handlers) => ua.sendMessage("sip:nobody@localhost", "hello?", handlers))).toBe(404);
    ua.stop();
  });
});
