import { afterAll, describe, expect, it } from "vitest";
import { dialogOfCallee, dialogOfCaller } from "../support/dialog.ts";
import { cseqMethod } from "../support/received-message.ts";
import { Phone } from "../support/phone.ts";
import { startServerUnderTest } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest({ settings: { MAXIMUM_LEGS: "3" } });
afterAll(() => serverUnderTest.close());

/** Another account on the same socket. */
async function beside(phone: Phone, name: string, password = "offhook"): Promise<Phone> {
  return new Phone(phone.socket, { account: await serverUnderTest.newcomer(name), way: "general", password });
}

describe("several accounts on one socket", () => {
  it("each registers, and a call between the two goes out and comes back on the same socket", async () => {
    const [alice] = await serverUnderTest.phones("general", "alice");
    const bob = await beside(alice, "bob");
    expect((await bob.register()).status).toBe(200);
    alice.request("INVITE", bob.aor);
    const heard = await bob.next("INVITE");
    bob.reply(heard, 200);
    const dialog = dialogOfCaller(await alice.next(200, { method: "INVITE" }));
    alice.ack(dialog);
    await bob.next("ACK");
    bob.bye(dialogOfCallee(heard, bob.tag));
    alice.reply(await alice.next("BYE"), 200);
    expect(cseqMethod(await bob.next(200))).toBe("BYE");
  });

  it("one whose password is wrong does not harm the others", async () => {
    const [alice, carol] = await serverUnderTest.phones("general", "alice", "carol");
    const bob = await beside(alice, "bob", "wrong");
    expect((await bob.register()).status).toBe(401);
    alice.request("MESSAGE", carol.aor, { body: "unharmed" });
    expect((await carol.next("MESSAGE")).body).toBe("unharmed");
  });

  it("there are no more of them than the limit says", async () => {
    const [alice] = await serverUnderTest.phones("general", "alice");
    expect((await (await beside(alice, "bob")).register()).status).toBe(200);
    expect((await (await beside(alice, "carol")).register()).status).toBe(200);
    expect((await (await beside(alice, "dave")).register()).status).toBe(403);
    expect((await alice.register()).status).toBe(200);
  });

  it("one that is deleted goes alone", async () => {
    const [alice, carol] = await serverUnderTest.phones("general", "alice", "carol");
    const bob = await beside(alice, "bob");
    await bob.register();
    await serverUnderTest.server.api("DELETE", `/domains/localhost/subscribers/${bob.account}`);
    carol.request("MESSAGE", alice.aor, { body: "you stay" });
    expect((await alice.next("MESSAGE")).body).toBe("you stay");
    expect((await carol.finalResponse(carol.request("MESSAGE", bob.aor))).status).toBe(404);
  });
});

describe("a home connection that ends", () => {
  it("ends the client's socket with 1012, so that the phone comes back", async () => {
    const [alice] = await serverUnderTest.phones("general", "alice");
    await serverUnderTest.server.evict(`sip:${alice.account}@localhost#1`, "close");
    expect((await alice.socket.closed).code).toBe(1012);
  });
});

describe("frames", () => {
  it("that come binary and are no UTF-8 go out binary, octet for octet", async () => {
    const [bob] = await serverUnderTest.phones("general", "bob");
    const alice = await serverUnderTest.register(await serverUnderTest.newcomer("alice"), "general", { isBinary: true });
    const head = [
      `MESSAGE ${bob.aor} SIP/2.0`,
      `Via: SIP/2.0/WSS ${alice.host};branch=z9hG4bKoctets`,
      "Max-Forwards: 70",
      `From: <${alice.aor}>;tag=octets`,
      `To: <${bob.aor}>`,
      `Call-ID: octets-${alice.account}`,
      "CSeq: 1 MESSAGE",
      "Content-Type: application/octet-stream",
      "Content-Length: 5",
    ];
    alice.socket.send(Buffer.from(`${head.join("\r\n")}\r\n\r\n\xff\x00\xfe\x80\x0a`, "latin1"));
    const heard = await bob.next("MESSAGE");
    expect(heard.isBinary).toBe(true);
    expect(heard.body).toBe("\xff\x00\xfe\x80\x0a");
  });

  it("that come as text go out as text, and Content-Length counts octets, not characters", async () => {
    const [alice, bob] = await serverUnderTest.phones("general", "alice", "bob");
    alice.request("MESSAGE", bob.aor, { body: "Grüße, 你好 ☎" });
    const heard = await bob.next("MESSAGE");
    expect(heard.isBinary).toBe(false);
    expect(heard.body).toBe("Grüße, 你好 ☎");
  });

  it("from a binary phone to one that speaks text: each hears the kind that it sends", async () => {
    const [bob] = await serverUnderTest.phones("direct", "bob");
    const alice = await serverUnderTest.register(await serverUnderTest.newcomer("alice"), "direct", { isBinary: true });
    const sent = alice.request("MESSAGE", bob.aor);
    const heard = await bob.next("MESSAGE");
    bob.reply(heard, 200);
    expect(heard.isBinary).toBe(false);
    expect((await alice.finalResponse(sent)).isBinary).toBe(true);
  });
});
