import { afterAll, describe, expect, it } from "vitest";
import { addresses, header, headers, parameter, uriIn, type ReceivedMessage } from "../support/received-message.ts";
import type { Phone } from "../support/phone.ts";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest({ settings: { EXPIRES_SPREAD: "0" } });
afterAll(() => serverUnderTest.close());

const bindings = (answer: ReceivedMessage): string[] => addresses(answer, "contact").map(uriIn);
const gruu = (answer: ReceivedMessage, name: "pub-gruu" | "temp-gruu"): string =>
  parameter(header(answer, "contact"), name)?.slice(1, -1) ?? "";

describe.each(ways)("outbound (RFC 5626), on the %s way", (way) => {
  it("the 200 to an outbound registration requires outbound (§6)", async () => {
    const phone = await serverUnderTest.connect(await serverUnderTest.newcomer("alice"), way);
    expect(header(await phone.register(), "require")).toMatch(/\boutbound\b/);
  });

  it("the same instance and reg-id on a new socket replaces the binding of the same phone", async () => {
    const first = await serverUnderTest.register(await serverUnderTest.newcomer("alice"), way);
    const second = await serverUnderTest.connect(first.account, way, { instance: first.instance });
    expect(bindings(await second.register())).toEqual([uriIn(second.contact)]);
  });

  it("another reg-id of the same instance is another binding (§6)", async () => {
    const first = await serverUnderTest.register(await serverUnderTest.newcomer("alice"), way);
    const second = await serverUnderTest.connect(first.account, way, { instance: first.instance });
    const contact = `${second.contact};reg-id=2;+sip.instance="<${second.instance}>"`;
    expect(bindings(await second.register({ contacts: [contact] }))).toHaveLength(2);
  });

  it("requests go to the newest socket of a phone", async () => {
    const [bob] = await serverUnderTest.phones(way, "bob");
    const first = await serverUnderTest.register(await serverUnderTest.newcomer("alice"), way);
    const second = await serverUnderTest.register(first.account, way, { instance: first.instance });
    bob.request("MESSAGE", first.aor, { body: "to the new one" });
    expect((await second.next("MESSAGE")).body).toBe("to the new one");
    expect(first.socket.rest()).toEqual([]);
  });

  it("two phones of one user ring both, each by its own flow", async () => {
    const [bob] = await serverUnderTest.phones(way, "bob");
    const first = await serverUnderTest.register(await serverUnderTest.newcomer("alice"), way);
    const second = await serverUnderTest.register(first.account, way);
    bob.request("INVITE", first.aor);
    expect((await first.next("INVITE")).requestUri).toBe(uriIn(first.contact));
    expect((await second.next("INVITE")).requestUri).toBe(uriIn(second.contact));
  });
});

describe("reg-id (RFC 5626 §6)", () => {
  it("in more than one contact of a request is refused with 400", async () => {
    const phone = await serverUnderTest.connect(await serverUnderTest.newcomer("alice"), "general");
    const instance = `+sip.instance="<${phone.instance}>"`;
    const contacts = [1, 2].map((id) => `<sip:alice@${id}.invalid;transport=ws>;reg-id=${id};${instance}`);
    expect((await phone.register({ contacts })).status).toBe(400);
  });

  it("without an instance is ignored", async () => {
    const phone = await serverUnderTest.connect(await serverUnderTest.newcomer("alice"), "general");
    expect((await phone.register({ contacts: [`${phone.contact};reg-id=1`] })).status).toBe(200);
    expect(bindings(await phone.register({ contacts: [`${phone.contact};reg-id=2`] }))).toHaveLength(1);
  });
});

describe("GRUU (RFC 5627)", () => {
  const registered = async (): Promise<{ phone: Phone; other: Phone; answer: ReceivedMessage }> => {
    const phone = await serverUnderTest.connect(await serverUnderTest.newcomer("alice"), "general");
    const answer = await phone.register();
    return { phone, other: await serverUnderTest.register(phone.account, "general"), answer };
  };

  it.each(["pub-gruu", "temp-gruu"] as const)("a request to the %s reaches this phone and no other of the user (§5.3)", async (kind) => {
    const { phone, other, answer } = await registered();
    const [bob] = await serverUnderTest.phones("general", "bob");
    bob.request("MESSAGE", gruu(answer, kind), { body: kind });
    const heard = await phone.next("MESSAGE");
    expect(heard.body).toBe(kind);
    expect(heard.requestUri).toBe(uriIn(phone.contact));
    await other.hearsNothing("MESSAGE", bob);
  });

  it("the public one is the AoR with gr, and stays the same; the temporary one tells nobody whose it is, and is new each time", async () => {
    const { phone, answer } = await registered();
    const again = addresses(await phone.register(), "contact").find((contact) => uriIn(contact) === uriIn(phone.contact));
    expect(gruu(answer, "pub-gruu")).toBe(`${phone.aor};gr=${phone.instance}`);
    expect(parameter(again, "pub-gruu")).toBe(`"${gruu(answer, "pub-gruu")}"`);
    expect(gruu(answer, "temp-gruu")).not.toContain(phone.account);
    expect(parameter(again, "temp-gruu")).not.toBe(`"${gruu(answer, "temp-gruu")}"`);
  });

  it("an older temporary one still leads to the phone", async () => {
    const { phone, answer } = await registered();
    await phone.register();
    const [bob] = await serverUnderTest.phones("general", "bob");
    bob.request("MESSAGE", gruu(answer, "temp-gruu"), { body: "by the old one" });
    expect((await phone.next("MESSAGE")).body).toBe("by the old one");
  });

  it("that is valid but whose phone is gone draws 480, one that never was 404 (§5.3)", async () => {
    const { phone, answer } = await registered();
    const [bob] = await serverUnderTest.phones("general", "bob");
    await phone.register({ contacts: ["*"], expires: 0 });
    expect((await bob.finalResponse(bob.request("MESSAGE", gruu(answer, "pub-gruu")))).status).toBe(480);
    expect((await bob.finalResponse(bob.request("MESSAGE", "sip:tgruu.nonsense@localhost;gr"))).status).toBe(404);
  });

  it("is given to nobody who does not say that he supports it", async () => {
    const phone = await serverUnderTest.connect(await serverUnderTest.newcomer("alice"), "general");
    await phone.register();
    const plain = phone.request("REGISTER", "sip:localhost", { to: `<${phone.aor}>`, contact: phone.outboundContact });
    expect(header(await phone.finalResponse(plain), "contact")).not.toContain("gruu");
  });
});

describe("Path (RFC 3327)", () => {
  it("is kept with the binding, told in the 200, and makes the Route of requests to it", async () => {
    const [bob] = await serverUnderTest.phones("general", "bob");
    const phone = await serverUnderTest.connect(await serverUnderTest.newcomer("alice"), "general");
    const path = "<sip:edge.invalid;lr>";
    expect(headers(await phone.register({ headers: [["Path", path]] }), "path")).toEqual([path]);
    bob.request("MESSAGE", phone.aor);
    expect(header(await phone.next("MESSAGE"), "route")).toBe(path);
  });
});
