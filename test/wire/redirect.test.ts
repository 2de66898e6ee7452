import { afterAll, describe, expect, it } from "vitest";
import { Inviter, UserAgent } from "sip.js";
import type { IncomingResponse } from "sip.js/lib/core/index.js";
import { header, headers, uriIn } from "../support/received-message.ts";
import { Phone } from "../support/phone.ts";
import { openSocket } from "../support/sip-socket.ts";
import { jsSipPhone, registeredJsSip, sipJsPhone } from "../support/stock-phones.ts";
import { startServerUnderTest } from "../support/server-under-test.ts";

/** RFC 3261 §8.3: it says where people are, and never forwards anything. */
const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());
const { server } = serverUnderTest;

/** A raw phone of a newcomer on the redirect server. */
async function requester(path = "/redirect", name = "alice"): Promise<Phone> {
  const account = await serverUnderTest.newcomer(name);
  return new Phone(await openSocket(`${server.wsUrl}${path.replace("{aor}", `${account}@localhost`)}`, account), {
    account,
    way: "general",
  });
}

/** Asks with credentials, as a UAC does after a 401. */
async function asks(phone: Phone, method: string, uri: string, lines: readonly (readonly [string, string])[] = []) {
  return phone.transact(method, uri, { headers: lines });
}

async function registered(name: string, ...q: readonly string[]) {
  const account = await serverUnderTest.newcomer(name);
  const phones = [];
  for (const value of q) {
    const phone = await serverUnderTest.connect(account, "general");
    await phone.register({ contacts: [`${phone.outboundContact};q=${value}`], expires: 600 });
    phones.push(phone);
  }
  return { account, uri: `sip:${account}@localhost`, phones };
}

describe("who asks", () => {
  it("with a frame of more than 256 KiB is disconnected with 1009", async () => {
    const phone = await requester();
    phone.socket.send("x".repeat(300_000));
    expect(await phone.socket.closed).toMatchObject({ code: 1009 });
  });

  it("is challenged with 401, as by any server that answers itself (§22.2)", async () => {
    const phone = await requester();
    const sent = phone.request("INVITE", "sip:bob@localhost");
    const answer = await phone.finalResponse(sent);
    expect([answer.status, header(answer, "www-authenticate")?.includes('realm="localhost"')]).toEqual([401, true]);
  });

  it("is asked once on a connection", async () => {
    const [phone, bob] = [await requester(), await registered("bob", "1.0")];
    expect((await asks(phone, "INVITE", bob.uri)).status).toBe(302);
    expect((await phone.finalResponse(phone.request("INVITE", bob.uri))).status).toBe(302);
  });

  it("is asked again when the password has changed, and learns nothing when the account has been deleted", async () => {
    const [phone, bob] = [await requester(), await registered("bob", "1.0")];
    expect((await asks(phone, "INVITE", bob.uri)).status).toBe(302);
    await server.provision({ domain: "localhost", username: phone.account, password: "another password" });
    expect((await phone.finalResponse(phone.request("INVITE", bob.uri))).status).toBe(401);
    expect((await asks(phone, "INVITE", bob.uri)).status).toBe(401);
    const other = await requester();
    expect((await asks(other, "INVITE", bob.uri)).status).toBe(302);
    await server.api("DELETE", `/domains/localhost/subscribers/${other.account}`);
    expect((await other.finalResponse(other.request("INVITE", bob.uri))).status).toBe(401);
  });

  it("learns nothing with a wrong password, or as nobody", async () => {
    const [phone, bob] = [await requester(), await registered("bob", "1.0")];
    const wrong = { credentials: { password: "wrong" } };
    expect((await phone.transact("INVITE", bob.uri, wrong)).status).toBe(401);
    const stranger = await phone.finalResponse(phone.request("INVITE", bob.uri, { from: "<sip:x@elsewhere.example>;tag=1" }));
    expect(stranger.status).toBe(403);
  });

  it("is cut off after twenty wrong passwords", async () => {
    const phone = await requester();
    for (let tried = 0; tried < 20; tried += 1)
      expect((await phone.transact("INVITE", "sip:bob@localhost", { credentials: { password: "wrong" } })).status).toBe(401);
    expect((await phone.socket.closed).code).toBe(4403);
  });

  it("need not authenticate where the domain answers strangers", async () => {
    await server.provision({ domain: "open.example", username: "eve", password: "offhook" });
    await server.api("PUT", "/domains/open.example/settings", { answer_strangers: true });
    const phone = await requester();
    const answer = await phone.finalResponse(phone.request("INVITE", "sip:eve@open.example"));
    expect(answer.status).toBe(480);
  });

  it("is named by the path, for phones that put another name into From", async () => {
    const [phone, bob] = [await requester("/redirect/{aor}"), await registered("bob", "1.0")];
    const from = "<sip:anonymous@anonymous.invalid>;tag=1";
    expect((await phone.transact("INVITE", bob.uri, { from })).status).toBe(302);
  });
});

describe("the answer", () => {
  it("is 302 with the phone's GRUU, its q and what is left of its time (§21.3.3)", async () => {
    const [phone, bob] = [await requester(), await registered("bob", "0.7")];
    const answer = await asks(phone, "INVITE", bob.uri);
    expect(answer.status).toBe(302);
    expect(header(answer, "contact")).toMatch(new RegExp(`^<${bob.uri};gr=${bob.phones[0]?.instance}>;q=0.7;expires=\\d+$`));
  });

  it("is 302 with all phones, best first, where one is better", async () => {
    const [phone, bob] = [await requester(), await registered("bob", "0.3", "0.9")];
    const answer = await asks(phone, "INVITE", bob.uri);
    expect([answer.status, headers(answer, "contact").map((contact) => /q=([\d.]+)/.exec(contact)?.[1])]).toEqual([302, ["0.9", "0.3"]]);
  });

  it("is 300 where there are several and none is better (§21.3.1)", async () => {
    const [phone, bob] = [await requester(), await registered("bob", "1.0", "1.0")];
    const answer = await asks(phone, "INVITE", bob.uri);
    expect([answer.status, headers(answer, "contact").length]).toEqual([300, 2]);
  });

  it("is 302 to where the user sends his calls", async () => {
    const [phone, bob] = [await requester(), await registered("bob", "1.0")];
    await server.api("PUT", `/domains/localhost/subscribers/${bob.account}/rules`, { forward: { always: "sip:carol@localhost" } });
    const answer = await asks(phone, "INVITE", bob.uri);
    expect([answer.status, uriIn(header(answer, "contact"))]).toEqual([302, "sip:carol@localhost"]);
  });

  it("is 302 to the GRUU for any method, not only INVITE", async () => {
    const [phone, bob] = [await requester(), await registered("bob", "1.0")];
    expect((await asks(phone, "MESSAGE", bob.uri)).status).toBe(302);
    expect((await asks(phone, "SUBSCRIBE", bob.uri, [["Event", "presence"]])).status).toBe(302);
  });

  it("has a To tag, and the Via as it came", async () => {
    const [phone, bob] = [await requester(), await registered("bob", "1.0")];
    const answer = await asks(phone, "INVITE", bob.uri);
    expect([headers(answer, "via").length, header(answer, "to")]).toEqual([1, expect.stringContaining(";tag=")]);
  });

  it.each([
    ["nobody of that name: 404", "INVITE", "sip:nobody@localhost", [], 404],
    ["somebody without a phone: 480", "INVITE", "sip:carol@localhost", [], 480],
    ["a scheme that leads nowhere: 416", "INVITE", "http://example.com", [], 416],
    ["itself: 200", "OPTIONS", "sip:localhost", [], 200],
  ] as const)("to %s", async (_name, method, uri, lines, status) => {
    expect((await asks(await requester(), method, uri, lines)).status).toBe(status);
  });

  it.each([
    ["an extension that is required and not known: 420", "INVITE", [["Require", "frobnication"]], 420, "unsupported", "frobnication"],
    ["REGISTER: 405", "REGISTER", [], 405, "allow", "INVITE"],
  ] as const)("to %s, and says what would do", async (_name, method, lines, status, name, value) => {
    const answer = await asks(await requester(), method, "sip:carol@localhost", lines);
    expect([answer.status, header(answer, name)]).toEqual([status, expect.stringContaining(value)]);
  });

  it("reaches nobody's phone", async () => {
    const [phone, bob] = [await requester(), await registered("bob", "1.0")];
    await asks(phone, "INVITE", bob.uri);
    const [alice] = await serverUnderTest.phones("general", "alice");
    await expect(bob.phones[0]?.hearsNothing("INVITE", alice)).resolves.toBeUndefined();
  });

  it("to what is no SIP is 400, or nothing, and the connection goes on", async () => {
    const phone = await requester();
    phone.socket.send("rubbish");
    phone.socket.send("INVITE sip:x@localhost SIP/2.0\r\nVia: nonsense\r\n\r\n");
    const answer = await phone.finalResponse(phone.request("OPTIONS", "sip:localhost"));
    expect(answer.status).toBe(200);
    for (const name of ["allow", "accept", "accept-encoding", "accept-language", "allow-events", "supported"])
      expect([name, header(answer, name)]).toEqual([name, expect.any(String)]);
  });
});

describe("CANCEL and ACK (§8.3, §9.2)", () => {
  it("CANCEL of an INVITE that has been answered changes nothing: 200", async () => {
    const [phone, bob] = [await requester(), await registered("bob", "1.0")];
    await asks(phone, "INVITE", bob.uri);
    const invite = phone.request("INVITE", bob.uri);
    phone.cancel(invite);
    expect((await phone.finalResponse(invite)).status).toBe(302);
    expect((await phone.next(200, { method: "CANCEL" })).status).toBe(200);
  });

  it("CANCEL of what never was draws 481", async () => {
    const phone = await requester();
    const cancel = phone.request("CANCEL", "sip:bob@localhost");
    expect((await phone.finalResponse(cancel)).status).toBe(481);
  });

  it("ACK draws nothing", async () => {
    const [phone, bob] = [await requester(), await registered("bob", "1.0")];
    const answer = await asks(phone, "INVITE", bob.uri);
    phone.request("ACK", bob.uri, { to: header(answer, "to") ?? "" });
    expect((await phone.finalResponse(phone.request("OPTIONS", "sip:localhost"))).status).toBe(200);
    expect(phone.socket.rest()).toEqual([]);
  });
});

describe("what it costs", () => {
  it("no object for the connection, and no row", async () => {
    const bob = await registered("bob", "1.0");
    const phone = await requester();
    const homes = await server.listHomes();
    const rows = () => server.query(`sip:${bob.account}@localhost#1`, "SELECT name FROM sqlite_master WHERE name = 'contexts'");
    const before = await rows();
    await asks(phone, "INVITE", bob.uri);
    expect(await server.listHomes()).toEqual(homes);
    expect(await rows()).toEqual(before);
  });
});

describe("who asks for a phone by its GRUU (RFC 3261 §8.3)", () => {
  it("is not told the same GRUU for ever, nor by a temporary one who has the phone: 404", async () => {
    const [phone, account] = [await requester(), await serverUnderTest.newcomer("bob")];
    const bob = await serverUnderTest.connect(account, "general");
    const contact = header(await bob.register(), "contact") ?? "";
    for (const name of ["pub-gruu", "temp-gruu"]) {
      const gruu = new RegExp(`${name}="([^"]+)"`).exec(contact)?.[1] ?? "";
      const answer = await asks(phone, "INVITE", gruu);
      expect([name, answer.status, header(answer, "contact")]).toEqual([name, 404, undefined]);
    }
  });
});

describe("a domain that redirects", () => {
  it("answers calls on /ws with where the user is, and puts those through that ask for a phone of theirs", async () => {
    for (const username of ["dora", "emil"]) await server.provision({ domain: "redirecting.example", username, password: "offhook" });
    const domain = "redirecting.example";
    const [dora, emil] = [
      await Phone.connect(server, { account: "dora", domain, way: "general" }),
      await Phone.connect(server, { account: "emil", domain, way: "general" }),
    ];
    await dora.register();
    await emil.register();
    await server.api("PUT", `/domains/${domain}/settings`, { redirect: true });
    await expect.poll(async () => (await dora.finalResponse(dora.request("INVITE", emil.aor))).status).toBe(302);
    const gruu = `${emil.aor};gr=${emil.instance}`;
    dora.request("INVITE", gruu);
    expect((await emil.next("INVITE")).requestUri).toBe(uriIn(emil.contact));
    expect(await (await server.api("GET", `/domains/${domain}/settings`)).json()).toEqual({
      redirect: true,
      answer_strangers: false,
      calls_out: false,
      guests: false,
      unsolicited_notify: false,
    });
  });
});

describe("stock phones", () => {
  it("SIP.js hears the 302 and its Contact", async () => {
    const [account, bob] = [await serverUnderTest.newcomer("alice"), await registered("bob", "1.0")];
    const agent = sipJsPhone({ wsUrl: `${server.wsUrl}/redirect#`, account, way: "general" });
    await agent.start();
    const target = UserAgent.makeURI(bob.uri);
    if (target === undefined) throw new Error("no URI");
    const contact = await new Promise<string>((resolve) => {
      const onRedirect = ({ message }: { message: { getHeader(name: string): string | undefined } }) =>
        resolve(message.getHeader("contact") ?? "");
      void new Inviter(agent, target).invite({ requestDelegate: { onRedirect } });
    });
    expect(contact).toContain(`;gr=${bob.phones[0]?.instance}`);
    await agent.stop();
  });

  it("SIP.js hears a 300, with a Contact for each phone", async () => {
    const [account, bob] = [await serverUnderTest.newcomer("alice"), await registered("bob", "1.0", "1.0")];
    const agent = sipJsPhone({ wsUrl: `${server.wsUrl}/redirect#`, account, way: "general" });
    await agent.start();
    const target = UserAgent.makeURI(bob.uri);
    if (target === undefined) throw new Error("no URI");
    const heard = await new Promise<readonly [number | undefined, number]>((resolve) => {
      const onRedirect = ({ message }: IncomingResponse) => resolve([message.statusCode, message.getHeaders("contact").length]);
      void new Inviter(agent, target).invite({ requestDelegate: { onRedirect } });
    });
    expect(heard).toEqual([300, 2]);
    await agent.stop();
  });

  it("JsSIP follows it, and reaches the other phone", async () => {
    const [account, bob] = [await serverUnderTest.newcomer("alice"), await registered("bob", "1.0")];
    const caller = await registeredJsSip({ wsUrl: server.wsUrl, account, way: "general" });
    const guide = jsSipPhone({ wsUrl: `${server.wsUrl}/redirect#`, account, way: "general" }, { register: false });
    guide.start();
    await new Promise((resolve) => guide.once("connected", resolve));
    const contact = await new Promise<string>((resolve) => {
      const failed = ({ response }: { response: { parseHeader(name: string): { uri: { toString(): string } } } }) =>
        resolve(response.parseHeader("contact").uri.toString());
      guide.sendMessage(bob.uri, "where are you?", { eventHandlers: { failed } as never });
    });
    caller.sendMessage(contact, "there you are");
    expect((await bob.phones[0]?.next("MESSAGE"))?.body).toBe("there you are");
    for (const phone of [caller, guide]) phone.stop();
  });
});
