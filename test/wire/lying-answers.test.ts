import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compose, newBranch, shortSdp } from "../support/compose.ts";
import { copiedLines } from "../support/dialog.ts";
import type { Phone } from "../support/phone.ts";
import { type ReceivedMessage, header } from "../support/received-message.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { browserSdp, telephoneSdp } from "../support/session-descriptions.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";
import { type StandInEngine, startStandInEngine } from "../support/stand-in-engine.ts";

/** A phone that a trunk has called says something else in its answers than it was asked: another method, another To tag. */
let serverUnderTest: ServerUnderTest;
let engine: StandInEngine;
let provider: SipServer;
let alice: Phone;
let mallory: Phone;
let callId: string;
let numbers = 1000;

const api = (method: string, path: string, body?: object) => serverUnderTest.server.api(method, `/domains/localhost${path}`, body);
const withSdp = { headers: [["Content-Type", "application/sdp"]] as const, body: browserSdp };
const trunk = (more: object) =>
  api("PUT", "/trunks/provider", { server: `sip:127.0.0.1:${provider.port};transport=tcp`, prefixes: ["+1"], inbound: true, ...more });

beforeAll(async () => {
  [serverUnderTest, engine] = await Promise.all([
    startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8", TRANSACTION_TIMEOUT: "2" } }),
    startStandInEngine(),
  ]);
  await api("PUT", "/media/engine", { kind: "rtpengine", url: engine.url });
});
afterAll(() => Promise.all([serverUnderTest.close(), engine.close()]));
beforeEach(async () => {
  provider = await startSipServer();
  callId = newBranch();
});
afterEach(async () => {
  await api("DELETE", "/trunks/provider");
  for (const phone of [alice, mallory]) phone.socket.cut();
  provider.close();
});

/** A message that passes, so that the connection is open. */
async function opens(): Promise<void> {
  const sent = alice.request("MESSAGE", "sip:+1555@localhost", { body: "hello" });
  provider.reply(await provider.next("MESSAGE"), 200);
  await alice.finalResponse(sent);
}

interface Asked {
  readonly method: string;
  readonly uri: string;
  readonly cseq: number;
  readonly to: string;
  readonly lines?: readonly string[];
  readonly body?: string;
}

function sends({ method, uri, cseq, to, lines = [], body = "" }: Asked): void {
  const via = `Via: SIP/2.0/TCP 127.0.0.1:${provider.port};branch=${newBranch()}`;
  const ids = ["From: <sip:+49301234@provider.example>;tag=far", `To: ${to}`, `Call-ID: ${callId}`, `CSeq: ${cseq} ${method}`];
  const contact = `Contact: <sip:far@127.0.0.1:${provider.port};transport=tcp>`;
  provider.send(compose(`${method} ${uri} SIP/2.0`, [via, "Max-Forwards: 70", ...ids, contact, ...lines], body));
}

/** What a request within the dialog of a response needs. */
function within(response: ReceivedMessage): Pick<Asked, "uri" | "to" | "lines"> {
  const routes = (header(response, "record-route") ?? "").split(/,\s*(?=<)/);
  const uri = /<([^>]+)>/.exec(header(response, "contact") ?? "")?.[1] ?? "";
  return { uri, to: header(response, "to") ?? "", lines: routes.map((route) => `Route: ${route}`) };
}

interface Lie {
  readonly method?: string;
  readonly tag?: string;
  readonly from?: string;
}

/** Says 200 with another method, or other tags. */
function lies(request: ReceivedMessage, { method, tag, from }: Lie): void {
  const lines = copiedLines(request, mallory.tag).map((line) => {
    if (from !== undefined && line.startsWith("From:")) return line.replace(/;tag=.*/, `;tag=${from}`);
    if (method !== undefined && line.startsWith("CSeq:")) return line.replace(/\S+$/, method);
    return tag !== undefined && line.startsWith("To:") ? line.replace(/;tag=.*/, `;tag=${tag}`) : line;
  });
  mallory.socket.send(compose("SIP/2.0 200 OK", [...lines, `Contact: ${mallory.contact}`]));
}

/** The trunk calls mallory, who answers. */
async function talks(): Promise<Pick<Asked, "uri" | "to" | "lines">> {
  sends({ method: "INVITE", uri: mallory.aor, cseq: 1, to: `<${mallory.aor}>` });
  mallory.reply(await mallory.next("INVITE"), 200, { headers: [["Content-Type", "application/sdp"]], body: shortSdp });
  const dialog = within(await provider.next(200, { method: "INVITE" }));
  sends({ method: "ACK", cseq: 1, ...dialog });
  await mallory.next("ACK");
  return dialog;
}

/** Another user gets the one line of the trunk. */
async function hasLine(): Promise<boolean> {
  numbers += 1;
  const number = `+1556${numbers}`;
  const sent = alice.request("INVITE", `sip:${number}@localhost`, { body: shortSdp });
  const rings = provider.next((message) => message.method === "INVITE" && message.raw.includes(number)).then(() => true);
  return Promise.race([rings, alice.finalResponse(sent).then(() => false)]);
}

describe("an answer that does not fit its request is no answer, and makes no call", () => {
  beforeEach(async () => {
    [alice, mallory] = await serverUnderTest.phones("direct", "alice", "mallory");
    await trunk({ maximum_calls: 1, maximum_calls_per_second: 5 });
    await opens();
  });

  it("to a BYE, as if it were an INVITE of another dialog: the line is free, and no other call hides behind it", async () => {
    const dialog = await talks();
    sends({ method: "BYE", cseq: 2, ...dialog });
    lies(await mallory.next("BYE"), { method: "INVITE", tag: "other" });
    await expect.poll(hasLine).toBe(true);
    const hidden = mallory.request("INVITE", "sip:+19005550@localhost", { callId, from: `<${mallory.aor}>;tag=own`, cseq: 10 });
    expect((await mallory.finalResponse(hidden)).raw).toContain("all lines of the trunk are in use");
  });

  it.each([["To", { tag: "other" }] as const, ["From", { from: "other" }] as const])(
    "to a re-INVITE, with another %s tag: after the BYE the line is free",
    async (_which, lie) => {
      const dialog = await talks();
      sends({ method: "INVITE", cseq: 2, ...dialog });
      lies(await mallory.next("INVITE"), lie);
      sends({ method: "BYE", cseq: 3, ...dialog });
      mallory.reply(await mallory.next("BYE"), 200);
      const answer = await provider.next(200);
      expect(header(answer, "cseq")).toBe("3 BYE");
      expect(await hasLine()).toBe(true);
    },
  );
});

it("who only rings and answers a PRACK as if it were the INVITE does not get the media of who answers", async () => {
  const number = await serverUnderTest.newcomer("alice");
  [alice, mallory] = [await serverUnderTest.register(number, "general"), await serverUnderTest.register(number, "general")];
  await trunk({ media: { profile: "rtp" } });
  await opens();
  const lines = ["Supported: 100rel", "Content-Type: application/sdp"];
  sends({ method: "INVITE", uri: alice.aor, cseq: 1, to: `<${alice.aor}>`, lines, body: telephoneSdp() });
  const [first, second] = [await alice.next("INVITE"), await mallory.next("INVITE")];
  const reliable: [string, string][] = [
    ["Require", "100rel"],
    ["RSeq", "1"],
  ];
  mallory.reply(second, 183, { headers: reliable, contact: mallory.contact });
  const dialog = within(await provider.next(183));
  sends({ method: "PRACK", cseq: 2, ...dialog, lines: [...(dialog.lines ?? []), "RAck: 1 1 INVITE"] });
  lies(await mallory.next("PRACK"), { method: "INVITE" });
  alice.reply(first, 200, withSdp);
  const answer = await provider.next(200);
  expect([header(answer, "cseq"), answer.body]).toEqual(["1 INVITE", telephoneSdp()]);
});
