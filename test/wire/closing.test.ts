import { afterAll, describe, expect, it } from "vitest";
import { Phone } from "../support/phone.ts";
import { openSocket } from "../support/sip-socket.ts";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest({ settings: { BINDING_GRACE: "1" } });
afterAll(() => serverUnderTest.close());

/** The payload of a Close frame (RFC 6455 §5.5.1). */
function payload(code: number, reason: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code & 255]), reason]);
}

describe.concurrent.each(ways)("a phone that closes its socket in a way of its own, on the %s way", (way) => {
  it.for<[string, Buffer]>([
    ["the code 0", payload(0)],
    ["the code 999", payload(999)],
    ["the code 1001", payload(1001)],
    ["the code 1004", payload(1004)],
    ["the code 1005", payload(1005)],
    ["the code 1006", payload(1006)],
    ["the code 1015", payload(1015)],
    ["the code 5000", payload(5000)],
    ["the code 65535", payload(65_535)],
    ["half a code", Buffer.from([3])],
    ["no code", Buffer.alloc(0)],
    ["a reason that is no UTF-8, and too long once it is read as if it were", payload(1000, Buffer.alloc(120, 0xff))],
  ])("with %s is gone: its socket ends, and so does its binding", async ([, close], { expect }) => {
    const account = await serverUnderTest.newcomer("alice");
    (await serverUnderTest.connect(account, way)).socket.close();
    const socket = await openSocket(`${serverUnderTest.server.wsUrl}${way === "direct" ? `/ws/${account}@localhost` : "/ws"}`, account);
    expect((await new Phone(socket, { account, way }).register()).status).toBe(200);
    socket.closeRaw(close);
    await socket.closed;
    const bindings = async (): Promise<unknown> => {
      const answer = await serverUnderTest.server.api("GET", `/domains/localhost/subscribers/${account}/bindings`);
      return ((await answer.json()) as { readonly bindings: unknown }).bindings;
    };
    await expect.poll(bindings).toEqual([]);
    expect(serverUnderTest.server.logs.filter((line) => /uncaught|RangeError|TypeError|InvalidAccess/i.test(line))).toEqual([]);
  });
});

describe.each(ways)("a connection that was closed since its credentials have changed, on the %s way", (way) => {
  it("says nothing more, though its other end does not take notice", async () => {
    const [alice, bob] = [
      await serverUnderTest.newcomer("alice"),
      await serverUnderTest.register(await serverUnderTest.newcomer("bob"), way),
    ];
    (await serverUnderTest.connect(alice, "direct")).socket.close();
    const socket = await openSocket(`${serverUnderTest.server.wsUrl}${way === "direct" ? `/ws/${alice}@localhost` : "/ws"}`, alice);
    const phone = new Phone(socket, { account: alice, way });
    expect((await phone.register()).status).toBe(200);
    socket.deafen();
    await serverUnderTest.server.provision({ domain: "localhost", username: alice, password: "another one" });
    phone.request("MESSAGE", bob.aor, { body: "still here" });
    await bob.hearsNothingWithin(1000, "MESSAGE");
    socket.cut();
  });
});
