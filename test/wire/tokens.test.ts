import { createServer } from "node:http";
import { once } from "node:events";
import type JsSIP from "jssip";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dialogOfCaller } from "../support/dialog.ts";
import { listenOnOwnPort, portOf } from "../support/own-port.ts";
import { Phone } from "../support/phone.ts";
import { header } from "../support/received-message.ts";
import { startServerUnderTest } from "../support/server-under-test.ts";
import { jsSipPhone, registeredJsSip, registeredSipJs } from "../support/stock-phones.ts";
import { audience, issuer, newSigner } from "../support/tokens.ts";

/** The identity provider: its keys change under way. */
let signer = await newSigner("RS256");
let isUp = true;
const provider = createServer((request, response) => {
  if (!isUp) response.writeHead(500).end();
  else if (request.url === "/jwks.json") response.end(JSON.stringify({ keys: [signer.publicKey] }));
  else response.writeHead(404).end();
});
await listenOnOwnPort(provider);
const serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } });
const { server } = serverUnderTest;
const { wsUrl } = server;

beforeAll(async () => {
  await server.api("PUT", "/domains/localhost", {});
  const body = { issuer, jwks_uri: `http://127.0.0.1:${portOf(provider)}/jwks.json`, audience: [audience], create_users: true };
  expect((await server.api("PUT", "/domains/localhost/issuers/login", body)).status).toBe(201);
});
afterAll(async () => {
  await serverUnderTest.close();
  provider.close();
  provider.closeAllConnections();
  await once(provider, "close");
});

const bearer = async (account: string) => `Bearer ${await signer.sign({ sub: account })}`;
/** A URL that is taken as it is. */
const withToken = async (account: string) => `${wsUrl}/ws?access_token=${await signer.sign({ sub: account })}#`;
const registration = (ua: JsSIP.UA) =>
  new Promise<string>((resolve) => {
    ua.once("registered", () => resolve("registered"));
    ua.once("registrationFailed", ({ cause }) => resolve(cause ?? ""));
    ua.start();
  });

describe("without any password, for users whom the server has never seen", () => {
  it("stock JsSIP registers with a token in its URL, and gets a message", async () => {
    const callee = await registeredJsSip({ wsUrl: await withToken("jane"), account: "jane", way: "direct" });
    const written = new Promise((resolve) => callee.once("newMessage", ({ originator }: { originator: string }) => resolve(originator)));
    const caller = await Phone.connect(
      { wsUrl },
      { account: "jim", way: "direct", path: `/ws?access_token=${await signer.sign({ sub: "jim" })}` },
    );
    caller.request("MESSAGE", "sip:jane@localhost", { body: "hello" });
    expect(await written).toBe("remote");
    callee.stop();
    caller.socket.cut();
  });

  it("stock JsSIP registers with authorization_jwt (RFC 8898)", async () => {
    const ua = jsSipPhone({ wsUrl, account: "jack", way: "general" }, { password: "", authorization_jwt: await bearer("jack") });
    expect(await registration(ua)).toBe("registered");
    ua.stop();
  });

  it("stock SIP.js registers with a token in its URL", async () => {
    const { agent, registerer } = await registeredSipJs({ wsUrl: await withToken("sue"), account: "sue", way: "direct" }, undefined, {
      authorizationPassword: "",
    });
    expect(registerer.state).toBe("Registered");
    await agent.stop();
  });
});

describe("in a domain with an issuer", () => {
  it.each(["direct", "general"] as const)("stock phones with passwords register as before, on the %s way", async (way) => {
    const account = await serverUnderTest.newcomer("password");
    (await serverUnderTest.register(account, "general")).socket.close();
    const ua = await registeredJsSip({ wsUrl, account, way });
    const { agent, registerer } = await registeredSipJs({ wsUrl, account, way });
    expect([ua.isRegistered(), registerer.state]).toEqual([true, "Registered"]);
    ua.stop();
    await agent.stop();
  });

  it("stock JsSIP with the token of another user is refused", async () => {
    const ua = jsSipPhone({ wsUrl, account: "mallory", way: "general" }, { password: "", authorization_jwt: await bearer("jane") });
    expect(await registration(ua)).not.toBe("registered");
    ua.stop();
  });

  it("a new key of the issuer counts at once, also while it is away a moment later", async () => {
    signer = await newSigner("ES256");
    const kate = await registeredJsSip({ wsUrl: await withToken("kate"), account: "kate", way: "direct" });
    isUp = false;
    const karl = await registeredJsSip({ wsUrl: await withToken("karl"), account: "karl", way: "direct" });
    isUp = true;
    expect([kate.isRegistered(), karl.isRegistered()]).toEqual([true, true]);
    kate.stop();
    karl.stop();
  });

  it("1,000 refreshes, each with a new token, on one connection drop no call", async () => {
    const callee = await serverUnderTest.register(await serverUnderTest.newcomer("callee"), "general");
    const caller = await Phone.connect(
      { wsUrl },
      { account: "rita", way: "direct", path: `/ws?access_token=${await signer.sign({ sub: "rita" })}` },
    );
    expect((await caller.register()).status).toBe(200);
    const sent = caller.request("INVITE", callee.aor);
    callee.reply(await callee.next("INVITE"), 200);
    const dialog = dialogOfCaller(await caller.finalResponse(sent));
    caller.ack(dialog);
    await callee.next("ACK");
    const now = Math.floor(Date.now() / 1000);
    for (let count = 0; count < 1000; count += 1) {
      const line: [string, string] = ["Authorization", `Bearer ${await signer.sign({ sub: "rita", exp: now + 600 + count })}`];
      const answer = await caller.register({ headers: [line] });
      expect([answer.status, header(answer, "contact") === undefined]).toEqual([200, false]);
    }
    const hold = caller.inDialog("INVITE", dialog);
    callee.reply(await callee.next("INVITE"), 200);
    expect((await caller.finalResponse(hold)).status).toBe(200);
    caller.bye(dialog);
    callee.reply(await callee.next("BYE"), 200);
    caller.socket.cut();
  });
});

it("no token is in the log", async () => {
  expect(server.logs.filter((line) => /eyJ[\w-]{20}/.test(line))).toEqual([]);
});
