import { afterAll, describe, expect, it } from "vitest";
import { header, headers, uriIn } from "../support/received-message.ts";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest({ subscribers: [{ domain: "second.example", username: "dora", password: "offhook" }] });
afterAll(() => serverUnderTest.close());

describe.each(ways)("whom a request is for (RFC 3261 §16.5), on the %s way", (way) => {
  it.each([
    ["no such subscriber", "sip:nobody@localhost", 404],
    ["a subscriber of a domain that is not ours", "sip:bob@elsewhere.example", 403],
    ["an address outside", "sip:bob@192.0.2.7:5060", 403],
    ["a telephone number that is nobody's here", "tel:+15551234", 404],
  ])("%s: %s draws %i", async (_name, uri, status) => {
    const [alice] = await serverUnderTest.phones(way, "alice");
    expect((await alice.finalResponse(alice.request("INVITE", uri))).status).toBe(status);
  });

  it("a subscriber without a binding: 480", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    await bob.register({ expires: 0 });
    for (const method of ["INVITE", "OPTIONS", "INFO", "SUBSCRIBE"]) {
      expect((await alice.finalResponse(alice.request(method, bob.aor))).status).toBe(480);
    }
  });

  it("escapes and the host's case make no difference (§19.1.4)", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const escaped = bob.aor.replace("bob", "%62o%62").replace("localhost", "LOCALhost");
    alice.request("MESSAGE", escaped, { body: "the same bob" });
    expect((await bob.next("MESSAGE")).body).toBe("the same bob");
  });

  it("the user's case does (§19.1.4)", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    expect((await alice.finalResponse(alice.request("MESSAGE", bob.aor.replace("bob", "BOB")))).status).toBe(404);
  });

  it("an alias leads to its subscriber, whose phone sees its own contact as Request-URI", async () => {
    const [alice] = await serverUnderTest.phones(way, "alice");
    const bob = await serverUnderTest.register(await serverUnderTest.newcomer("bob", [`info-${way}`]), way);
    alice.request("MESSAGE", `sip:info-${way}@localhost`);
    const heard = await bob.next("MESSAGE");
    expect(heard.requestUri).toBe(uriIn(bob.contact));
    expect(header(heard, "to")).toBe(`<sip:info-${way}@localhost>`);
  });

  it.each(["MESSAGE", "OPTIONS", "INFO", "SUBSCRIBE", "REFER", "FROBNICATE"])(
    "%s goes to the phone, and its answer comes back",
    async (method) => {
      const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
      const sent = alice.request(method, bob.aor, {
        headers: [
          ["Event", "x-unknown"],
          ["Refer-To", `<${alice.aor}>`],
        ],
        body: "any body",
      });
      const heard = await bob.next(method);
      expect(heard.body).toBe("any body");
      bob.reply(heard, 299, { body: "any answer" });
      expect((await alice.finalResponse(sent)).body).toBe("any answer");
    },
  );
});

describe.each(ways)("OPTIONS to the server itself (RFC 3261 §11), on the %s way", (way) => {
  it("is answered with what we allow, accept and support", async () => {
    const [alice] = await serverUnderTest.phones(way, "alice");
    const answer = await alice.finalResponse(alice.request("OPTIONS", "sip:localhost"));
    expect(answer.status).toBe(200);
    expect(header(answer, "allow")?.split(/,\s*/)).toEqual(
      expect.arrayContaining(["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER", "MESSAGE"]),
    );
    expect(header(answer, "supported")).toMatch(/path|outbound|gruu/);
    expect(headers(answer, "accept")).toHaveLength(1);
  });
});

describe("two domains", () => {
  it("of one server call each other", async () => {
    const [alice] = await serverUnderTest.phones("general", "alice");
    const dora = await serverUnderTest.register("dora", "general", { domain: "second.example" });
    alice.request("MESSAGE", dora.aor, { body: "over there" });
    const heard = await dora.next("MESSAGE");
    dora.reply(heard, 200);
    expect(heard.body).toBe("over there");
    dora.request("MESSAGE", alice.aor, { body: "and back" });
    expect((await alice.next("MESSAGE")).body).toBe("and back");
  });

  it("have users of the same name who are not the same", async () => {
    const [alice] = await serverUnderTest.phones("general", "alice");
    expect((await alice.finalResponse(alice.request("MESSAGE", `sip:${alice.account}@second.example`))).status).toBe(404);
  });
});
