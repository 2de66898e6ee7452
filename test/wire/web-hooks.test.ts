import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DnsServer, startDnsServer } from "../support/dns-server.ts";
import { listenOnOwnPort, portOf } from "../support/own-port.ts";
import type { Phone } from "../support/phone.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";

interface Event {
  readonly id: string;
  readonly type: string;
  readonly timestamp: string;
  readonly data: { readonly call_id: string };
}

/** A customer's application: verifies what it gets. */
class Receiver {
  readonly server: Server;
  /** What it has taken, and all deliveries that have come, by the ids of their events. */
  readonly taken: Event[] = [];
  readonly tried: string[] = [];
  status = 204;
  /** The names of the signatures that it knows, and how many fit in the last delivery. */
  secrets: string[] = [];
  fitting = 0;

  constructor() {
    this.server = createServer((request, response) => {
      const octets: Buffer[] = [];
      request.on("data", (chunk: Buffer) => octets.push(chunk));
      request.on("end", () => {
        const body = Buffer.concat(octets).toString();
        const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
        const event = this.#verify(body, headers);
        this.tried.push(headers["webhook-id"] ?? "");
        if (event !== undefined && this.status < 300) this.taken.push({ ...event, id: headers["webhook-id"] ?? "" });
        response.writeHead(event === undefined ? 401 : this.status, { Location: "/elsewhere" }).end("thank you");
      });
    });
  }

  #verify(body: string, headers: Record<string, string>): Event | undefined {
    const verified = this.secrets.flatMap((secret) => {
      try {
        return [new Webhook(secret).verify(body, headers) as Event];
      } catch {
        return [];
      }
    });
    this.fitting = verified.length;
    return verified[0];
  }

  get url(): string {
    return `http://127.0.0.1:${portOf(this.server)}/events`;
  }

  get calls(): string[] {
    return this.taken.filter(({ type }) => type === "call.ended").map(({ data }) => data.call_id);
  }
}

let serverUnderTest: ServerUnderTest;
let dns: DnsServer;
let phones: readonly [Phone, Phone];

beforeAll(async () => {
  dns = await startDnsServer();
  dns.zone = ["inside.example A 10.1.2.3"];
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8", DNS_URL: dns.url } });
  phones = await serverUnderTest.phones("direct", "alice", "bob");
});
afterAll(async () => {
  await serverUnderTest.close();
  dns.close();
});

/** The port of a server that has been closed. */
async function freePort(): Promise<number> {
  const server = createServer();
  await listenOnOwnPort(server);
  const port = portOf(server);
  server.close();
  return port;
}

const hooks = "/domains/localhost/web-hooks";
const api = (method: string, path: string, body?: unknown) => serverUnderTest.server.api(method, `${hooks}${path}`, body);

async function newReceiver(name: string, events: readonly string[]): Promise<Receiver> {
  const receiver = new Receiver();
  await listenOnOwnPort(receiver.server);
  const answer = await api("PUT", `/${name}`, { url: receiver.url, events });
  receiver.secrets = [((await answer.json()) as { secret: string }).secret];
  return receiver;
}

async function endReceiver(name: string, receiver: Receiver): Promise<void> {
  await api("DELETE", `/${name}`);
  receiver.server.close();
}

/** A call that is refused; returns its Call-ID. */
async function failedCall([alice, bob] = phones): Promise<string> {
  const sent = alice.request("INVITE", bob.aor);
  bob.reply(await bob.next("INVITE"), 486);
  await alice.finalResponse(sent);
  return sent.callId;
}

async function powerCut(): Promise<void> {
  await serverUnderTest.server.kill9();
  await serverUnderTest.server.restart();
  phones = [await again(phones[0]), await again(phones[1])];
}

const again = (phone: Phone): Promise<Phone> => serverUnderTest.register(phone.account, "direct", { instance: phone.instance });
const waiting = async (name: string): Promise<{ id: string; last: { status: number } | null }[]> =>
  ((await (await api("GET", `/${name}/deliveries`)).json()) as { deliveries: { id: string; last: { status: number } | null }[] })
    .deliveries;

describe("web hooks, with a receiver that verifies by the library of Standard Webhooks", () => {
  it("deliver each call that is over, with a signature that fits", async () => {
    const receiver = await newReceiver("calls", ["call.ended"]);
    const callId = await failedCall();
    await expect.poll(() => receiver.calls).toEqual([callId]);
    const [event] = receiver.taken;
    const record = await (await serverUnderTest.server.api("GET", `/domains/localhost/calls/${event?.id}`)).json();
    expect(event?.data).toEqual(record);
    await endReceiver("calls", receiver);
  });

  it("deliver everything later, in order, to a receiver that fails for a while, also over a power cut", async () => {
    const receiver = await newReceiver("failing", ["call.ended"]);
    receiver.status = 503;
    const calls = [await failedCall()];
    await expect.poll(() => receiver.tried.length).toBeGreaterThan(0);
    for (let count = 0; count < 4; count += 1) calls.push(await failedCall());
    await expect.poll(async () => (await waiting("failing")).length).toBe(5);
    await powerCut();
    for (let count = 0; count < 3; count += 1) calls.push(await failedCall());
    await expect.poll(async () => (await waiting("failing")).length).toBe(8);
    receiver.status = 200;
    await expect.poll(() => receiver.calls.length).toBe(8);
    expect(receiver.calls).toEqual(calls);
    await expect.poll(() => waiting("failing")).toEqual([]);
    await endReceiver("failing", receiver);
  });

  it("lose no event of a call if the power goes right after it", async () => {
    const receiver = await newReceiver("cut", ["call.ended"]);
    const calls: string[] = [];
    for (let count = 0; count < 3; count += 1) {
      calls.push(await failedCall());
      await powerCut();
    }
    await expect.poll(() => [...new Set(receiver.calls)].sort()).toEqual(calls.sort());
    expect(new Set(receiver.taken.map(({ id }) => id)).size).toBe(3);
    await endReceiver("cut", receiver);
  });

  it("sign with both secrets after a rotation", async () => {
    const receiver = await newReceiver("rotated", ["call.ended"]);
    const { secret } = (await (await api("POST", "/rotated/secret")).json()) as { secret: string };
    receiver.secrets.push(secret);
    await api("POST", "/rotated/test");
    await expect.poll(() => receiver.taken.map(({ type }) => type)).toEqual(["test"]);
    expect(receiver.fitting).toBe(2);
    await endReceiver("rotated", receiver);
  });

  it("follow no redirect, and replay what has failed", async () => {
    const receiver = await newReceiver("moved", ["call.ended"]);
    receiver.status = 307;
    const callId = await failedCall();
    await expect.poll(async () => (await waiting("moved"))[0]?.last?.status).toBe(307);
    expect(receiver.tried).toHaveLength(1);
    receiver.status = 200;
    const [delivery] = await waiting("moved");
    expect((await api("POST", `/moved/deliveries/${delivery?.id}/replay`)).status).toBe(200);
    await expect.poll(() => receiver.calls).toEqual([callId]);
    await endReceiver("moved", receiver);
  });

  it("are verified by the example of the documentation", async () => {
    const [, example = ""] = /```js\n([^]*?)```/.exec(readFileSync("docs/web-hooks.md", "utf8")) ?? [];
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/`;
    const { secret } = (await (await api("PUT", "/example", { url, events: ["call.ended"] })).json()) as { secret: string };
    const code = example.replace(".listen(3000)", `.listen(${port}, "127.0.0.1", () => console.log("ready"))`);
    const application = spawn(process.execPath, ["--input-type=module", "-e", code], { env: { ...process.env, SECRET: secret } });
    let output = "";
    application.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    await expect.poll(() => output).toBe("ready\n");
    const { id } = (await (await api("POST", "/example/test")).json()) as { id: string };
    await expect.poll(() => output).toContain(`${id} test { web_hook: 'example' }`);
    await expect.poll(() => waiting("example")).toEqual([]);
    application.kill();
    await api("DELETE", "/example");
  });

  it("refuse private addresses, at first and when a name leads to one later", async () => {
    for (const url of ["http://10.0.0.1/", "https://inside.example/", "https://none.example/", "https://[::1]/"])
      expect((await api("PUT", "/inside", { url, events: ["call.ended"] })).status).toBe(400);
    dns.zone = [...dns.zone, "later.example A 127.0.0.1"];
    expect((await api("PUT", "/later", { url: "http://later.example:9/", events: ["call.ended"] })).status).toBe(201);
    dns.zone = dns.zone.map((line) => line.replace("later.example A 127.0.0.1", "later.example A 10.1.2.3"));
    await serverUnderTest.server.kill9();
    await serverUnderTest.server.restart();
    await api("POST", "/later/test");
    await expect.poll(async () => JSON.stringify(await waiting("later"))).toContain("leads to 10.1.2.3");
    await api("DELETE", "/later");
  });
});
