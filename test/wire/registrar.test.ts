import { afterAll, describe, expect, it } from "vitest";
import { addresses, header, headers, parameter, uriIn, type ReceivedMessage } from "../support/received-message.ts";
import { Phone, type RegisterOptions } from "../support/phone.ts";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest({ settings: { EXPIRES_SPREAD: "0", MAXIMUM_CONTACTS: "3" } });
afterAll(() => serverUnderTest.close());

const bindings = (answer: ReceivedMessage): string[] => addresses(answer, "contact").map(uriIn);
const elsewhere = (name: string): string => `<sip:${name}@192.0.2.1:5060>`;

async function registered(options: RegisterOptions = {}): Promise<Phone> {
  const phone = await serverUnderTest.connect(await serverUnderTest.newcomer("alice"), "general");
  expect((await phone.register(options)).status).toBe(200);
  return phone;
}

describe.each(ways)("RFC 3261 §10.3, on the %s way", (way) => {
  it("step 8: the 200 enumerates all current bindings, each with its expires, and carries a Date", async () => {
    const account = await serverUnderTest.newcomer("alice");
    const [first, second] = [await serverUnderTest.register(account, way), await serverUnderTest.connect(account, way)];
    const answer = await second.register();
    expect(bindings(answer).sort()).toEqual([uriIn(first.contact), uriIn(second.contact)].sort());
    for (const contact of addresses(answer, "contact")) expect(Number(parameter(contact, "expires"))).toBeGreaterThan(0);
    expect(header(answer, "date")).toMatch(/ GMT$/);
  });

  it("step 2: a Require that is not understood draws 420 with Unsupported", async () => {
    const phone = await serverUnderTest.connect(await serverUnderTest.newcomer("alice"), way);
    const answer = await phone.register({ headers: [["Require", "gruu, teleportation"]] });
    expect(answer.status).toBe(420);
    expect(header(answer, "unsupported")).toBe("teleportation");
  });

  it("step 4: somebody else's address of record is refused: 403, or a challenge for it where a socket may have several accounts", async () => {
    const account = await serverUnderTest.newcomer("alice");
    const [bob, alice] = [await serverUnderTest.newcomer("bob"), await serverUnderTest.register(account, way)];
    const answer = await alice.register({ to: `<sip:${bob}@localhost>` });
    expect(answer.status).toBe(way === "direct" ? 403 : 401);
    const caller = await serverUnderTest.register(await serverUnderTest.newcomer("carol"), way);
    expect((await caller.finalResponse(caller.request("MESSAGE", `sip:${bob}@localhost`))).status).toBe(480);
  });

  it("step 5: an address of record that is none is answered as a wrong password is", async () => {
    const alice = await serverUnderTest.connect(await serverUnderTest.newcomer("alice"), way, { password: "wrong" });
    const nobody = await Phone.connect(serverUnderTest.server, { account: "nobody", way });
    const shape = (answer: ReceivedMessage): unknown => [
      answer.startLine,
      answer.headers.map(([name]) => name),
      headers(answer, "www-authenticate").map((value) => value.replace(/nonce="[^"]*"/, "")),
    ];
    expect(shape(await nobody.register())).toEqual(shape(await alice.register()));
    nobody.socket.close();
  });

  it("a domain that is not ours is refused", async () => {
    const phone = await serverUnderTest.register(await serverUnderTest.newcomer("alice"), way);
    const answer = await phone.finalResponse(
      phone.request("REGISTER", "sip:elsewhere.example", {
        to: "<sip:alice@elsewhere.example>",
        from: "<sip:alice@elsewhere.example>;tag=x",
      }),
    );
    expect(answer.status).toBe(403);
  });

  it("a phone refreshes on its authenticated flow without a new challenge", async () => {
    const phone = await serverUnderTest.register(await serverUnderTest.newcomer("alice"), way);
    const sent = phone.request("REGISTER", "sip:localhost", { to: `<${phone.aor}>`, contact: phone.outboundContact });
    expect((await phone.finalResponse(sent)).status).toBe(200);
  });
});

describe("Contact (RFC 3261 §10.3 steps 6 and 7)", () => {
  it("none: the bindings are told and stay as they are", async () => {
    const phone = await registered();
    expect(bindings(await phone.register({ contacts: [] }))).toEqual([uriIn(phone.contact)]);
  });

  it("several in one request are all bound, with their q", async () => {
    const phone = await registered({ contacts: [`${elsewhere("a")};q=0.3`, `${elsewhere("b")};q=0.75`] });
    const told = addresses(await phone.register({ contacts: [] }), "contact");
    expect(told.map((contact) => [uriIn(contact), parameter(contact, "q")]).sort()).toEqual([
      ["sip:a@192.0.2.1:5060", "0.3"],
      ["sip:b@192.0.2.1:5060", "0.75"],
    ]);
  });

  it("several in one line are several", async () => {
    const phone = await registered({ contacts: [`${elsewhere("a")}, ${elsewhere("b")}`] });
    expect(bindings(await phone.register({ contacts: [] }))).toHaveLength(2);
  });

  it("'*' with Expires: 0 removes all", async () => {
    const phone = await registered();
    expect(bindings(await phone.register({ contacts: ["*"], expires: 0 }))).toEqual([]);
    expect(bindings(await phone.register({ contacts: [] }))).toEqual([]);
  });

  it.each([
    ["another contact beside it", { contacts: ["*", elsewhere("a")], expires: 0 }],
    ["an expiration other than 0", { contacts: ["*"], expires: 60 }],
    ["no expiration", { contacts: ["*"] }],
  ])("'*' with %s is refused with 400, and nothing changes", async (_name, options) => {
    const phone = await registered();
    expect((await phone.register(options)).status).toBe(400);
    expect(bindings(await phone.register({ contacts: [] }))).toEqual([uriIn(phone.contact)]);
  });

  it("the same contact by an equal URI (§19.1.4) is the same binding", async () => {
    const phone = await registered({ contacts: ["<sip:%61lice@HOST.example;transport=tcp>"] });
    const answer = await phone.register({ contacts: ["<sip:alice@host.example;Transport=TCP>"] });
    expect(bindings(answer)).toEqual(["sip:alice@host.example;Transport=TCP"]);
  });

  it("a CSeq that is not higher, under the same Call-ID, is refused, and nothing changes", async () => {
    const phone = await registered({ callId: "order", cseq: 10 });
    expect((await phone.register({ callId: "order", cseq: 5, expires: 0 })).status).toBeGreaterThanOrEqual(400);
    expect(bindings(await phone.register({ contacts: [] }))).toEqual([uriIn(phone.contact)]);
  });

  it("another Call-ID may have a lower CSeq", async () => {
    const phone = await registered({ callId: "one", cseq: 10 });
    expect(bindings(await phone.register({ callId: "two", cseq: 1, expires: 0 }))).toEqual([]);
  });

  it("all bindings are changed or none", async () => {
    const phone = await registered({ contacts: [elsewhere("a")], callId: "atomic", cseq: 10 });
    const answer = await phone.register({ contacts: [elsewhere("b"), elsewhere("a")], callId: "atomic", cseq: 5 });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(bindings(await phone.register({ contacts: [] }))).toEqual(["sip:a@192.0.2.1:5060"]);
  });

  it("there are no more of them than the limit says, and what was too much changes nothing", async () => {
    const phone = await registered({ contacts: ["a", "b", "c"].map(elsewhere) });
    expect((await phone.register({ contacts: [elsewhere("d")] })).status).toBe(403);
    expect(bindings(await phone.register({ contacts: [] }))).toHaveLength(3);
    expect((await phone.register({ contacts: [elsewhere("a")] })).status).toBe(200);
  });

  it.each(["<sip:unclosed", "garbage", "<>", "<http://a.example>;expires=x;q=7"])(
    "one that cannot be read (%s) is refused with 400",
    async (contact) => {
      const phone = await registered();
      const { status } = await phone.register({ contacts: [contact] });
      expect(status).toBe(400);
    },
  );
});
