import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shortSdp } from "../support/compose.ts";
import { header, type ReceivedMessage } from "../support/received-message.ts";
import { Phone } from "../support/phone.ts";
import { startServerUnderTest, type ServerUnderTest } from "../support/server-under-test.ts";

/** Strangers do not learn which users a domain has, with guests or without. */
const domains = ["closed.example", "open.example"] as const;
const password = "a password of theirs";
let serverUnderTest: ServerUnderTest;
let alias: (domain: string) => string;
beforeAll(async () => {
  serverUnderTest = await startServerUnderTest();
  for (const domain of domains) {
    expect((await serverUnderTest.server.api("PUT", `/domains/${domain}`, {})).status).toBe(201);
    for (const [username, aliases] of [
      ["opened", ["desk"]],
      ["fresh", ["shelf"]],
      ["zoë", []],
    ] as const)
      await serverUnderTest.server.api("PUT", `/domains/${domain}/subscribers/${encodeURIComponent(username)}`, { password, aliases });
    const owner = await Phone.connect(serverUnderTest.server, { account: "opened", domain, way: "general", password });
    expect((await owner.register()).status).toBe(200);
  }
  expect((await serverUnderTest.server.api("PUT", `/domains/open.example/settings`, { guests: true })).status).toBe(200);
  alias = (domain) => `sip:opened@${domain}`;
});
afterAll(() => serverUnderTest.close());

const users = ["opened", "desk", "fresh", "shelf", "zo%C3%AB", "nobody", "no%20body"];

/** What a stranger can tell of an answer, the name that was asked for taken out. */
function told(answer: ReceivedMessage, user: string): string {
  const names = answer.raw.split("\r\n").map((line) => line.split(":")[0]);
  const challenge = (header(answer, "www-authenticate") ?? header(answer, "proxy-authenticate") ?? "").replace(/nonce="[^"]+"/, "nonce");
  const text = [answer.status, answer.startLine, header(answer, "warning"), challenge, ...names].join("\n");
  return text.replaceAll(user, "USER");
}

/** With `anonymous.invalid` in From, the name asked for, or another one's. */
const senders = ["anonymous", "own", "other"] as const;
const methods = ["REGISTER", "INVITE", "MESSAGE", "SUBSCRIBE", "OPTIONS", "CANCEL"] as const;

describe.each(domains)("a stranger who goes through names of %s", (domain) => {
  const from = { anonymous: "<sip:anonymous@anonymous.invalid>", own: "", other: `<sip:somebody@${domain}>` };

  async function answers(way: "direct" | "general", user: string): Promise<string[]> {
    const stranger = await Phone.connect(serverUnderTest.server, { account: user, domain, way, password: "a guess" });
    const all: string[] = [];
    for (const method of methods) {
      for (const sender of senders) {
        // On the shared connection a guest is one, whoever else there is.
        if (way === "general" && sender === "anonymous") continue;
        const written = { ...(sender === "own" ? {} : { from: `${from[sender]};tag=1` }), body: method === "INVITE" ? shortSdp : "" };
        const answer = await stranger.finalResponse(
          stranger.request(method, method === "REGISTER" ? `sip:${domain}` : `sip:opened@${domain}`, written),
        );
        all.push(told(answer, user));
      }
    }
    stranger.socket.cut();
    return all;
  }

  it.each(["direct", "general"] as const)("hears the same of all of them on the %s way", async (way) => {
    const [first, ...others] = await Promise.all(users.map((user) => answers(way, user)));
    expect(first?.length).toBe(way === "direct" ? 18 : 12);
    others.forEach((heard, index) => expect([users[index + 1], heard]).toEqual([users[index + 1], first]));
  });

  it.each(["direct", "general"] as const)("hears the same with another user's credentials on the %s way", async (way) => {
    const statuses = await Promise.all(
      users.slice(2).map(async (user) => {
        const stranger = await Phone.connect(serverUnderTest.server, { account: user, domain, way, password });
        const request = { from: `<${alias(domain)}>;tag=1`, credentials: { username: "opened" } };
        const answer = await stranger.finalResponse(stranger.request("MESSAGE", `sip:opened@${domain}`, { ...request, body: "hello" }));
        stranger.socket.cut();
        return answer.status;
      }),
    );
    expect(new Set(statuses).size).toBe(1);
  });
});

it.each<[string, (phone: Phone) => Promise<void>]>([
  ["130 keep-alives", async ({ socket }) => sendAll(130, () => socket.send("\r\n\r\n"))],
  [
    "100 requests, ten seconds of silence, and as many again",
    async (phone) => {
      sendAll(100, () => phone.request("OPTIONS", "sip:localhost"));
      await new Promise((resume) => setTimeout(resume, 11_000));
      sendAll(100, () => phone.request("OPTIONS", "sip:localhost"));
    },
  ],
])("a stranger may send as much at every name: %s", async (_what, send) => {
  const { account: opened } = await serverUnderTest.register(await serverUnderTest.newcomer("opened"), "general");
  const names = [opened, await serverUnderTest.newcomer("fresh"), "nobody"];
  const stays = await Promise.all(
    names.map(async (account) => {
      const stranger = await Phone.connect(serverUnderTest.server, { account, way: "direct", password: "a guess" });
      await send(stranger);
      const closed = stranger.socket.closed.then(({ code }) => code);
      return Promise.race([closed, new Promise((resume) => setTimeout(() => resume("open"), 1000))]);
    }),
  );
  expect(stays).toEqual(["open", "open", "open"]);
});

function sendAll(count: number, send: () => void): void {
  for (let sent = 0; sent < count; sent += 1) send();
}

it("a stranger finds as many places at every name", async () => {
  const small = await startServerUnderTest({ settings: { MAXIMUM_UNAUTHENTICATED: "4" } });
  const { account: opened } = await small.register(await small.newcomer("opened"), "general");
  const names = [opened, await small.newcomer("fresh"), "nobody", "no%20body"];
  const codes = await Promise.all(
    names.map(async (account) => {
      const crowd: Phone[] = [];
      for (let count = 0; count < 6; count += 1)
        crowd.push(await Phone.connect(small.server, { account, way: "direct", password: "a guess" }));
      const closed = await Promise.all(crowd.slice(0, 2).map((one) => one.socket.closed));
      const status = (await crowd[5]?.register())?.status;
      for (const one of crowd) one.socket.cut();
      return [...closed.map(({ code }) => code), status];
    }),
  );
  expect(codes).toEqual(names.map(() => [4429, 4429, 401]));
  await small.close();
});
