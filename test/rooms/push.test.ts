import { generateKeyPairSync } from "node:crypto";
import { decodeJwt, importSPKI, jwtVerify } from "jose";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createKeyring } from "../../platform/crypto/keyring.ts";
import { PushStore } from "../../platform/directory/push-store.ts";
import type { Phone } from "../support/phone.ts";
import { header, headers } from "../support/received-message.ts";
import { WebPushDevice, readVapid } from "../support/web-push-device.ts";
import { api, connect, forgetEverything, homeOf, newcomers, provision, registered, ringAlarm, rowsOf, spentBy } from "./support/homes.ts";
import { basic } from "./support/ice.ts";

interface Asked {
  readonly url: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

const asked: Asked[] = [];
/** What the stand-in of all services answers. */
let answer: (one: Asked) => Response;
const workerFetch = globalThis.fetch;

beforeAll(() => provision());
beforeEach(() => {
  asked.length = 0;
  answer = () => new Response(null, { status: 201 });
  vi.stubGlobal("fetch", async (input: RequestInfo, init?: RequestInit) => {
    const request = new Request(input, init);
    const one = { url: request.url, headers: request.headers, body: new Uint8Array(await request.arrayBuffer()) };
    asked.push(one);
    return answer(one);
  });
});
afterEach(() => {
  vi.stubGlobal("fetch", workerFetch);
  vi.restoreAllMocks();
});

const put = (provider: string, body: object, domain = "localhost") =>
  api(`/domains/${domain}/push/${provider}`, { method: "PUT", body: JSON.stringify(body) });
const pemOf = (type: "rsa" | "ec") => {
  const { publicKey, privateKey } =
    type === "rsa" ? generateKeyPairSync("rsa", { modulusLength: 2048 }) : generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return {
    publicKey: publicKey.export({ type: "spki", format: "pem" }).toString(),
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
};
const textOf = ({ body }: Asked) => Buffer.from(body).toString();
const detailOf = async (response: Response) => [response.status, ((await response.json()) as { detail: string }).detail];

/** bob's phone registers with these parameters, and its connection is gone for long. */
async function sleeping(
  parameters: string,
  expires = 100_000,
): Promise<{ readonly alice: Phone; readonly bob: string; readonly phone: Phone }> {
  const [alice, bob] = await newcomers("alice", "bob");
  const phone = await connect({ account: bob, way: "direct" });
  const ok = await phone.register({ expires, contacts: [`${phone.outboundContact}${parameters}`] });
  expect([ok.status, headers(ok, "feature-caps")]).toEqual([200, [expect.stringContaining("+sip.pns=") as string]]);
  phone.socket.close(1001, "");
  await vi.waitFor(async () => expect((await homeOf(bob).bindings())[0]?.reachable).toBe(false));
  return { alice: await registered({ account: alice, way: "direct" }), bob, phone };
}

const calls = (alice: Phone, bob: string) => alice.request("INVITE", `sip:${bob}@localhost`);

async function givesUp(alice: Phone, call: ReturnType<Phone["request"]>): Promise<void> {
  alice.cancel(call);
  await alice.next(487);
}

describe("webpush", () => {
  it("wakes a phone with an encrypted note, across a loss of memory, and the call reaches it", async () => {
    const made = (await (await put("webpush", { subject: "mailto:ops@example.com", hosts: ["8.8.8.8"] })).json()) as { public_key: string };
    const device = new WebPushDevice("https://8.8.8.8/push/1");
    const { alice, bob } = await sleeping(device.parameters);
    const call = calls(alice, bob);
    expect((await alice.next(182)).status).toBe(182);
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    const [push] = asked as [Asked];
    expect(device.read(push.body)).toMatchObject({ ringing: [{ from: alice.aor }], missed: null });
    expect(await readVapid(push.headers.get("authorization") ?? "")).toMatchObject({
      key: made.public_key,
      claims: { aud: "https://8.8.8.8" },
    });
    expect([push.url, push.headers.get("topic"), push.headers.get("urgency"), push.headers.get("ttl")]).toEqual([
      ...["https://8.8.8.8/push/1", "offhook", "high"],
      expect.stringMatching(/^4[45]$/),
    ]);
    await vi.waitFor(async () => expect(await rowsOf(bob, "push_notes")).toBe(1));
    await forgetEverything();
    const awake = await connect({ account: bob, way: "direct" });
    await awake.register({ contacts: [`${awake.outboundContact}${device.parameters}`] });
    const invite = await awake.next("INVITE");
    expect(await rowsOf(bob, "push_notes")).toBe(0);
    awake.reply(invite, 200);
    expect((await alice.finalResponse(call)).status).toBe(200);
  });

  it("a device without keys gets an empty message (RFC 8599 §12)", async () => {
    await put("webpush", { subject: "mailto:ops@example.com", hosts: ["8.8.8.8"] });
    const { alice, bob } = await sleeping(';pn-provider=webpush;pn-prid="https://8.8.8.8/push/2"');
    calls(alice, bob);
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    expect([asked[0]?.body.length, asked[0]?.headers.get("content-encoding")]).toEqual([0, null]);
  });

  it.each([
    "https://evil.example/push",
    "https://127.0.0.1/push",
    "https://fcm.googleapis.com.evil.example/x",
    "https://10.0.0.1/push",
    "https://fcm.googleapis.com:22/push",
  ])("does not send to %s, which is no push service of a browser", async (url) => {
    await put("webpush", { subject: "mailto:ops@example.com", hosts: ["8.8.8.8"] });
    const { alice, bob } = await sleeping(`;pn-provider=webpush;pn-prid="${url}"`);
    calls(alice, bob);
    await alice.next(182);
    await vi.waitFor(async () => expect(JSON.stringify(await homeOf(bob).lastMessages())).toContain("push notification (webpush)"));
    expect(asked.filter((one) => one.url.includes("push"))).toEqual([]);
  });

  it("costs so many rows: the note, its delivery and its end, besides those of the call", async () => {
    await put("webpush", { subject: "mailto:ops@example.com", hosts: ["8.8.8.8"] });
    const device = new WebPushDevice("https://8.8.8.8/push/3");
    const { alice, bob } = await sleeping(device.parameters);
    await spentBy(bob);
    const call = calls(alice, bob);
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    await vi.waitFor(async () => expect(JSON.stringify(await homeOf(bob).lastMessages())).toContain("push notification (webpush): 201"));
    const { rowsWritten, alarmsSet } = await spentBy(bob);
    // The context and the note, and the note once more when it was sent; the alarm is set for the note first.
    expect([rowsWritten, alarmsSet]).toEqual([3, expect.any(Number)]);
    await givesUp(alice, call);
    await vi.waitFor(() => expect(asked).toHaveLength(2));
    expect(device.read(asked[1]?.body ?? new Uint8Array())).toMatchObject({ ringing: [], missed: { count: 1 } });
  });
});

describe("fcm", () => {
  it("gets a message with the note as data, with a token of the service account; 404 UNREGISTERED ends the device", async () => {
    const keys = pemOf("rsa");
    const account = {
      project_id: "my-project",
      client_email: "push@my-project.example",
      private_key: keys.privateKey,
      type: "service_account",
    };
    const places = { token_uri: "https://8.8.4.4/token" };
    expect((await put("fcm", { service_account: { ...account, ...places }, endpoint: "https://8.8.4.4/" })).status).toBe(200);
    answer = ({ url }) =>
      url.endsWith("/token") ? Response.json({ access_token: "ya29.x", expires_in: 3600 }) : Response.json({ name: "m" });
    const { alice, bob } = await sleeping(";pn-provider=fcm;pn-param=my-project;pn-prid=the:token");
    const call = calls(alice, bob);
    await vi.waitFor(() => expect(asked).toHaveLength(2));
    const [token, message] = asked as [Asked, Asked];
    const assertion = new URLSearchParams(textOf(token)).get("assertion") ?? "";
    const verified = await jwtVerify(assertion, await importSPKI(keys.publicKey, "RS256"), { audience: "https://8.8.4.4/token" });
    expect(verified.payload).toMatchObject({
      iss: "push@my-project.example",
      scope: expect.stringContaining("firebase.messaging") as string,
    });
    expect([message.url, message.headers.get("authorization")]).toEqual([
      "https://8.8.4.4/v1/projects/my-project/messages:send",
      "Bearer ya29.x",
    ]);
    const sent = JSON.parse(textOf(message)) as { message: { token: string; data: { offhook: string }; android: object } };
    expect(sent.message).toMatchObject({ token: "the:token", android: { priority: "high", collapse_key: "offhook" } });
    expect(JSON.parse(sent.message.data.offhook)).toMatchObject({ ringing: [{ from: alice.aor }] });
    answer = () => Response.json({ error: { details: [{ errorCode: "UNREGISTERED" }] } }, { status: 404 });
    await givesUp(alice, call);
    await vi.waitFor(async () => expect(await homeOf(bob).bindings()).toEqual([]));
    // The token was kept.
    expect(asked.filter(({ url }) => url.endsWith("/token"))).toHaveLength(1);
  });

  it("is woken to refresh its registration before that ends (RFC 8599 §5.5)", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const account = {
        project_id: "p",
        client_email: "a@b.example",
        private_key: pemOf("rsa").privateKey,
        token_uri: "https://8.8.4.4/token",
      };
      await put("fcm", { service_account: account, endpoint: "https://8.8.4.4/" });
      answer = ({ url }) => (url.endsWith("/token") ? Response.json({ access_token: "ya29.y", expires_in: 3600 }) : Response.json({}));
      const { bob } = await sleeping(";pn-provider=fcm;pn-param=p;pn-prid=refresh", 1000);
      for (const seconds of [60, 600, 180]) {
        vi.setSystemTime(Date.now() + seconds * 1000);
        await ringAlarm(bob);
      }
      await vi.waitFor(() => expect(asked.some(({ url }) => url.endsWith("messages:send"))).toBe(true));
      const sent = asked.find(({ url }) => url.endsWith("messages:send")) as Asked;
      expect(textOf(sent)).toContain(String.raw`\"refresh\":true`);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("apns", () => {
  it("gets a notification of the type voip for a call, with a token of the key, and none for what was missed", async () => {
    const keys = pemOf("ec");
    await put("apns", { team_id: "TEAM123", key_id: "KEY123", key: keys.privateKey, endpoint: "https://8.8.4.4" });
    answer = () => new Response(null, { status: 200 });
    const { alice, bob } = await sleeping(";pn-provider=apns;pn-param=TEAM123.com.example.app.voip;pn-prid=00fc13adff785122");
    const call = calls(alice, bob);
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    const [push] = asked as [Asked];
    const bearer = (push.headers.get("authorization") ?? "").replace("bearer ", "");
    const verified = await jwtVerify(bearer, await importSPKI(keys.publicKey, "ES256"), { issuer: "TEAM123" });
    expect([verified.protectedHeader.kid, decodeJwt(bearer).iat]).toEqual(["KEY123", expect.any(Number)]);
    expect(push.url).toBe("https://8.8.4.4/3/device/00fc13adff785122");
    expect(["apns-topic", "apns-push-type", "apns-priority"].map((name) => push.headers.get(name))).toEqual([
      "com.example.app.voip",
      "voip",
      "10",
    ]);
    await givesUp(alice, call);
    await vi.waitFor(async () => expect(await rowsOf(bob, "push_notes")).toBe(1));
    expect(asked).toHaveLength(1);
  });
});

describe("the services of a domain, by the API", () => {
  let domains = 0;
  const newDomain = async () => {
    domains += 1;
    await api(`/domains/push-${domains}.example`, { method: "PUT" });
    return `push-${domains}.example`;
  };
  const stored = async (domain: string) =>
    (await env.DIRECTORY.prepare("SELECT settings FROM push WHERE domain = ?").bind(domain).first<string>("settings")) ?? "";

  it("webpush gets keys, keeps them when it is PUT again, and gets new ones when that is asked for", async () => {
    const domain = await newDomain();
    const subject = "mailto:ops@example.com";
    const keyOf = async (body: object) => ((await (await put("webpush", body, domain)).json()) as { public_key: string }).public_key;
    const first = await keyOf({ subject });
    expect(first).toMatch(/^B[\w-]{86}$/);
    expect(await keyOf({ subject: "https://example.com/contact", hosts: ["push.example.com"] })).toBe(first);
    expect(await keyOf({ subject, new_keys: true })).not.toBe(first);
    expect(await stored(domain)).not.toMatch(/"privateKey":"."/);
    expect(await (await api(`/domains/${domain}/push`)).json()).toMatchObject({
      services: [{ provider: "webpush", subject, hosts: [], lost: false }],
    });
  });

  it("the secrets of fcm and apns are in no answer, sealed in the database, and kept only for the same account and places", async () => {
    const domain = await newDomain();
    const { privateKey: key } = pemOf("ec");
    const apns = { team_id: "T1", key_id: "K1", endpoint: "https://1.1.1.1" };
    const answers = [await put("apns", { ...apns, key }, domain), await api(`/domains/${domain}/push/apns`)];
    for (const one of answers) expect(await one.text()).not.toContain("PRIVATE");
    expect(await stored(domain)).not.toContain("PRIVATE");
    expect((await put("apns", apns, domain)).status).toBe(200);
    expect(await detailOf(await put("apns", { ...apns, endpoint: "https://1.0.0.1" }, domain))).toEqual([
      400,
      "key: is missing: it is kept only if nothing else changes",
    ]);
    const store = new PushStore(env.DIRECTORY);
    expect(await store.find(domain, "apns", createKeyring([new Uint8Array(32).fill(9)]))).toMatchObject({ isLost: true });
    expect((await api(`/domains/${domain}/push/apns`, { method: "DELETE" })).status).toBe(204);
    expect((await api(`/domains/${domain}/push/apns`)).status).toBe(404);
  });

  const pem = pemOf("ec").privateKey;
  it.each([
    ["webpush", { subject: "ops@example.com" }, "subject: is not a mailto: or https: URI"],
    ["webpush", { subject: "mailto:ops@example.com", hosts: ["https://x"] }, "hosts.0: is not a host name in lower case"],
    ["webpush", { subject: "mailto:ops@example.com", extra: 1 }, "extra: there is no such member"],
    ["fcm", { service_account: { project_id: "p", client_email: "x" } }, "service_account.client_email: is not an email address"],
    [
      "fcm",
      { service_account: { project_id: "p", client_email: "a@b.c", private_key: "x" } },
      "service_account.private_key: is not a private key in PEM (PKCS #8)",
    ],
    ["apns", { team_id: "T", key_id: "K" }, "key: is missing, and there is none to keep"],
    [
      "apns",
      { team_id: "T", key_id: "K", key: pem, endpoint: "https://127.0.0.1" },
      expect.stringContaining("endpoint: leads to 127.0.0.1") as string,
    ],
    ["apns", { team_id: "T", key_id: "K", key: pem, endpoint: "ftp://1.1.1.1" }, "endpoint: is not an https URL without a query"],
  ])("a %s that is not valid is refused: %j", async (provider, body, detail) => {
    expect(await detailOf(await put(provider, body, await newDomain()))).toEqual([400, detail]);
  });

  it("a user learns what is used, and the public key, with their own password", async () => {
    const [alice] = await newcomers("alice");
    await put("webpush", { subject: "mailto:ops@example.com" });
    const answered = await api("/push-services", { headers: { Authorization: basic(`${alice}@localhost`) } });
    const { services } = (await answered.json()) as { services: { provider: string; public_key?: string }[] };
    expect(services.find(({ provider }) => provider === "webpush")?.public_key).toMatch(/^B[\w-]{86}$/);
    expect((await api("/push-services", { headers: { Authorization: basic(`${alice}@localhost`, "wrong") } })).status).toBe(401);
  });

  it("RFC 8599 §5.6.1.2: a REGISTER that asks about a service that is not used draws 555", async () => {
    const [alice] = await newcomers("alice");
    const phone = await connect({ account: alice, way: "direct" });
    const refused = await phone.register({ contacts: [`<sip:${alice}@a.invalid;pn-provider=acme>`] });
    expect(refused.startLine).toBe("SIP/2.0 555 Push Notification Service Not Supported");
    expect(header(refused, "feature-caps")).toBeUndefined();
  });
});
