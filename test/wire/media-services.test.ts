import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compose, newBranch } from "../support/compose.ts";
import { type Dialog, dialogOfCallee, dialogOfCaller } from "../support/dialog.ts";
import { type MediaProxy, startMediaProxy } from "../support/media-proxy.ts";
import type { Phone, Sent } from "../support/phone.ts";
import { type ReceivedMessage, header, headers } from "../support/received-message.ts";
import { type Rtpengine, hasRtpengine, startRtpengine } from "../support/rtpengine.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { browserAnswer, browserSdp, telephoneSdp } from "../support/session-descriptions.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";

const missing = hasRtpengine ? "" : " (skipped: it takes Debian's package rtpengine-daemon)";
const secret = "a-secret-of-the-proxy";

let serverUnderTest: ServerUnderTest;
let engine: Rtpengine;
let proxy: MediaProxy;
let provider: SipServer;
let alice: Phone;
let number: string;

const api = (method: string, path: string, body?: object) => serverUnderTest.server.api(method, `/domains/localhost${path}`, body);

/** The other side of the trunk speaks plain RTP. */
async function trunk(media: object = { profile: "rtp" }): Promise<void> {
  const body = { server: `sip:127.0.0.1:${provider.port};transport=tcp`, prefixes: ["+1"], inbound: true, media };
  if ((await api("PUT", "/trunks/provider", body)).status !== 200) throw new Error("there is no trunk");
}

async function service(): Promise<void> {
  const answer = await api("PUT", "/media/engine", { kind: "rtpengine", url: proxy.url, secret });
  if (answer.status !== 200) throw new Error("there is no media service");
}

const contact = (): string => `Contact: <sip:far@127.0.0.1:${provider.port};transport=tcp>`;

function says(method: string, dialog: Dialog, cseq: number, more: readonly string[] = [], body = ""): void {
  const { callId, local, remote, target, routes } = dialog;
  const via = `Via: SIP/2.0/TCP 127.0.0.1:${provider.port};branch=${newBranch()}`;
  const lines = [
    ...routes.map((route) => `Route: ${route}`),
    `From: ${local}`,
    `To: ${remote}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
  ];
  provider.send(compose(`${method} ${target} SIP/2.0`, [via, "Max-Forwards: 70", ...lines, ...more], body));
}

const isPlain = (body: string) => [/ RTP\/AVP /.test(body), /a=fingerprint|a=ice-|a=crypto/.test(body)];
const isForBrowsers = (body: string) => [/ UDP\/TLS\/RTP\/SAVPF /.test(body), /a=fingerprint/.test(body), /a=ice-ufrag/.test(body)];
const commands = () => proxy.passed.map(({ command }) => command);
const sessions = () => engine.sessions();

const withSdp = { headers: [["Content-Type", "application/sdp"]] as const, body: browserSdp };

interface Talk {
  readonly near: Dialog;
  readonly far: Dialog;
}

/** alice calls a telephone. */
async function rings(): Promise<{ readonly sent: Sent; readonly invite: ReceivedMessage }> {
  const sent = alice.request("INVITE", "sip:+1555@localhost", withSdp);
  const invite = await provider.next("INVITE");
  expect(await sessions()).toHaveLength(1);
  return { sent, invite };
}

async function placed(): Promise<Talk> {
  const { sent, invite } = await rings();
  provider.reply(invite, 200, [contact(), "Content-Type: application/sdp"], telephoneSdp());
  const near = dialogOfCaller(await alice.finalResponse(sent));
  alice.ack(near);
  await provider.next("ACK");
  return { near, far: dialogOfCallee(invite, "theirs") };
}

/** A telephone calls alice. @returns what its CANCEL repeats */
function calls(body = telephoneSdp()): { readonly via: string; readonly lines: readonly string[] } {
  const via = `Via: SIP/2.0/TCP 127.0.0.1:${provider.port};branch=${newBranch()}`;
  const lines = ["From: <sip:+49301234@provider.example>;tag=far", `To: <sip:${number}@localhost>`, `Call-ID: ${newBranch()}`];
  const type = body === "" ? [] : ["Content-Type: application/sdp"];
  const invite = [via, "Max-Forwards: 70", ...lines, "CSeq: 1 INVITE", contact(), ...type];
  provider.send(compose(`INVITE sip:${number}@localhost SIP/2.0`, invite, body));
  return { via, lines };
}

async function received(): Promise<Talk> {
  calls();
  const invite = await alice.next("INVITE");
  expect(isForBrowsers(invite.body)).toEqual([true, true, true]);
  alice.reply(invite, 200, { headers: [["Content-Type", "application/sdp"]], body: browserAnswer });
  const ok = await provider.next(200, { method: "INVITE" });
  expect(isPlain(ok.body)).toEqual([true, false]);
  const far = dialogOfCaller(ok);
  says("ACK", far, 1);
  await alice.next("ACK");
  return { near: dialogOfCallee(invite, alice.tag), far };
}

describe.skipIf(!hasRtpengine)(`a trunk that speaks plain RTP, with a media service${missing}`, () => {
  beforeAll(async () => {
    [serverUnderTest, engine] = await Promise.all([
      startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } }),
      startRtpengine(),
    ]);
    proxy = await startMediaProxy(engine.url);
  });
  afterAll(() => Promise.all([serverUnderTest.close(), engine.close(), proxy.close()]));
  beforeEach(async () => {
    provider = await startSipServer();
    const account = await serverUnderTest.newcomer("alice");
    number = account;
    alice = await serverUnderTest.register(account, "general");
    await service();
    await trunk();
    const sent = alice.request("MESSAGE", "sip:+1555@localhost", { body: "hello" });
    provider.reply(await provider.next("MESSAGE"), 200);
    await alice.finalResponse(sent);
    proxy.passed.length = 0;
  });
  afterEach(async () => {
    proxy.isBroken = false;
    await engine.restarts();
    for (const path of ["/trunks/provider", "/media/engine"]) await api("DELETE", path);
    alice.socket.cut();
    provider.close();
  });

  it("a call costs one question for the offer, one for the answer and one for the end, with the secret", async () => {
    const { near } = await placed();
    expect(commands()).toEqual(["offer", "answer"]);
    alice.bye(near);
    provider.reply(await provider.next("BYE"), 200);
    await expect.poll(commands).toEqual(["offer", "answer", "delete"]);
    expect(proxy.passed[0]?.authorization).toBe(`Bearer ${secret}`);
    await expect.poll(sessions).toEqual([]);
  });

  it("each side gets a session description that it understands", async () => {
    const { sent, invite } = await rings();
    expect(isPlain(invite.body)).toEqual([true, false]);
    expect(header(invite, "content-length")).toBe(String(invite.body.length));
    provider.reply(invite, 183, [contact(), "Content-Type: application/sdp"], telephoneSdp());
    const early = await alice.next(183);
    expect(isForBrowsers(early.body)).toEqual([true, true, true]);
    provider.reply(invite, 200, [contact(), "Content-Type: application/sdp"], telephoneSdp());
    const ok = await alice.finalResponse(sent);
    expect(isForBrowsers(ok.body)).toEqual([true, true, true]);
  });

  it.each([
    ["that we placed", placed],
    ["that came in", received],
  ])("a call %s is held and resumed by either side, and ends", async (_kind, begin) => {
    const { near, far } = await begin();
    for (const direction of ["sendonly", "sendrecv"]) {
      const sent = alice.inDialog("INVITE", near, { ...withSdp, body: browserSdp.replace("sendrecv", direction) });
      const offer = await provider.next("INVITE");
      expect([...isPlain(offer.body), offer.body.includes(`a=${direction}`)]).toEqual([true, false, true]);
      provider.reply(offer, 200, [contact(), "Content-Type: application/sdp"], telephoneSdp());
      expect(isForBrowsers((await alice.finalResponse(sent)).body)).toEqual([true, true, true]);
      alice.inDialog("ACK", near, { cseq: sent.cseq });
      await provider.next("ACK");
    }
    says("INVITE", far, 20, [contact(), "Content-Type: application/sdp"], telephoneSdp());
    const offer = await alice.next("INVITE");
    expect(isForBrowsers(offer.body)).toEqual([true, true, true]);
    alice.reply(offer, 200, { headers: withSdp.headers, body: browserAnswer });
    expect(isPlain((await provider.next(200, { method: "INVITE" })).body)).toEqual([true, false]);
    says("ACK", far, 20);
    await alice.next("ACK");
    expect(await sessions()).toHaveLength(1);
    alice.bye(near);
    provider.reply(await provider.next("BYE"), 200);
    await expect.poll(sessions).toEqual([]);
  });

  it("an offer in the response, and the answer in the ACK (RFC 3261 §13.2.1)", async () => {
    calls("");
    const invite = await alice.next("INVITE");
    expect(invite.body).toBe("");
    alice.reply(invite, 200, { ...withSdp });
    const ok = await provider.next(200, { method: "INVITE" });
    expect(isPlain(ok.body)).toEqual([true, false]);
    says("ACK", dialogOfCaller(ok), 1, ["Content-Type: application/sdp"], telephoneSdp());
    expect(isForBrowsers((await alice.next("ACK")).body)).toEqual([true, true, true]);
    expect(commands()).toEqual(["offer", "answer"]);
  });

  describe("the session ends", () => {
    it("with the BYE of the phone", async () => {
      alice.bye((await placed()).near);
      await provider.next("BYE");
      await expect.poll(sessions).toEqual([]);
    });

    it.each([
      ["that we placed", placed],
      ["that came in", received],
    ])("with the BYE of the other side, in a call %s", async (_kind, begin) => {
      says("BYE", (await begin()).far, 21);
      alice.reply(await alice.next("BYE"), 200);
      await expect.poll(sessions).toEqual([]);
    });

    it("with a CANCEL", async () => {
      const { sent, invite } = await rings();
      provider.reply(invite, 180, [contact()]);
      await alice.next(180);
      alice.cancel(sent);
      provider.reply(await provider.next("CANCEL"), 200);
      provider.reply(invite, 487);
      await alice.next(487);
      await expect.poll(sessions).toEqual([]);
    });

    it("with a refusal, from either side", async () => {
      const { sent, invite } = await rings();
      provider.reply(invite, 486);
      expect((await alice.finalResponse(sent)).status).toBe(486);
      await expect.poll(sessions).toEqual([]);
      calls();
      const offer = await alice.next("INVITE");
      expect(await sessions()).toHaveLength(1);
      alice.reply(offer, 486);
      await provider.next(486);
      await expect.poll(sessions).toEqual([]);
    });

    it("when the caller gives up by CANCEL a call that came in", async () => {
      const { via, lines } = calls();
      const offer = await alice.next("INVITE");
      alice.reply(offer, 180);
      await provider.next(180);
      provider.send(compose(`CANCEL sip:${number}@localhost SIP/2.0`, [via, "Max-Forwards: 70", ...lines, "CSeq: 1 CANCEL"]));
      alice.reply(await alice.next("CANCEL"), 200);
      alice.reply(offer, 487);
      await provider.next(487);
      await expect.poll(sessions).toEqual([]);
    });

    it("when the trunk loses its connection while it rings", async () => {
      const { sent, invite } = await rings();
      provider.reply(invite, 180, [contact()]);
      await alice.next(180);
      provider.shut();
      provider.cut();
      expect((await alice.finalResponse(sent)).status).toBeGreaterThanOrEqual(500);
      await expect.poll(sessions).toEqual([]);
    });

    it("with the BYE after a power cut, in which the connection has forgotten the call", async () => {
      const { near } = await placed();
      await serverUnderTest.server.kill9();
      await serverUnderTest.server.restart();
      alice = await serverUnderTest.register(number, "general", { instance: alice.instance });
      alice.bye(near);
      provider.reply(await provider.next("BYE"), 200);
      await expect.poll(sessions).toEqual([]);
    });
  });

  it("a call goes on after a power cut: what is asked within it is converted as before", async () => {
    const { near } = await placed();
    await serverUnderTest.server.kill9();
    await serverUnderTest.server.restart();
    alice = await serverUnderTest.register(number, "general", { instance: alice.instance });
    alice.inDialog("INVITE", near, withSdp);
    expect(isPlain((await provider.next("INVITE")).body)).toEqual([true, false]);
    expect(await sessions()).toHaveLength(1);
  });

  it("an engine that was killed in a call knows it again after the next offer", async () => {
    const { near } = await placed();
    await engine.restarts();
    expect(await sessions()).toEqual([]);
    const sent = alice.inDialog("INVITE", near, withSdp);
    const offer = await provider.next("INVITE");
    expect(isPlain(offer.body)).toEqual([true, false]);
    provider.reply(offer, 200, [contact(), "Content-Type: application/sdp"], telephoneSdp());
    expect(isForBrowsers((await alice.finalResponse(sent)).body)).toEqual([true, true, true]);
    expect(await sessions()).toHaveLength(1);
  });

  it("another engine takes over for the first one", async () => {
    const first = await startMediaProxy(engine.url);
    first.isBroken = true;
    expect((await api("PUT", "/media/a-first", { kind: "rtpengine", url: first.url, priority: 0 })).status).toBe(200);
    const { invite } = await rings();
    expect(isPlain(invite.body)).toEqual([true, false]);
    await api("DELETE", "/media/a-first");
    await first.close();
  });

  it("without an engine that works a call is refused with 500, which says so", async () => {
    proxy.isBroken = true;
    const refused = await alice.transact("INVITE", "sip:+1555@localhost", withSdp);
    expect([refused.status, header(refused, "warning")]).toEqual([500, '399 offhook "the media service cannot be reached"']);
  });

  it("auto: a call to the trunk is converted, and WebRTC that comes from it passes", async () => {
    await trunk({ profile: "auto" });
    const { invite } = await rings();
    expect(isPlain(invite.body)).toEqual([true, false]);
    provider.reply(invite, 486);
    await alice.next(486);
    calls(browserSdp);
    expect((await alice.next("INVITE")).body).toBe(browserSdp);
  });

  it("webrtc: nothing is asked", async () => {
    await trunk({ profile: "webrtc" });
    alice.request("INVITE", "sip:+1555@localhost", withSdp);
    expect((await provider.next("INVITE")).body).toBe(browserSdp);
    expect(commands()).toEqual([]);
  });

  it("srtp-sdes: the keys are in the session description, of suites that encrypt", async () => {
    await trunk({ profile: "srtp-sdes" });
    const { invite } = await rings();
    expect([/ RTP\/SAVP /.test(invite.body), /a=crypto:/.test(invite.body), /a=fingerprint/.test(invite.body)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("codecs: only these are offered", async () => {
    await trunk({ profile: "rtp", codecs: ["PCMA"] });
    const { invite } = await rings();
    expect(/m=audio \d+ RTP\/AVP ([\d ]+)/.exec(invite.body)?.[1]?.split(" ")[0]).toBe("8");
    expect(invite.body).not.toMatch(/opus|PCMU/);
  });

  describe("without a media service", () => {
    beforeEach(async () => {
      await api("DELETE", "/media/engine");
    });

    it("RFC 3261 §20.43: a call that cannot have media draws 488, which says which profile is offered and which is spoken", async () => {
      const refused = await alice.transact("INVITE", "sip:+1555@localhost", withSdp);
      expect(refused.status).toBe(488);
      expect(headers(refused, "warning")).toEqual([
        '302 offhook "the phone offers WebRTC media, the trunk provider speaks plain RTP, and the domain has no media service"',
      ]);
    });

    it("auto: the call is tried, and a 488 says what may be the reason", async () => {
      await trunk({ profile: "auto" });
      const sent = alice.request("INVITE", "sip:+1555@localhost", withSdp);
      const invite = await provider.next("INVITE");
      expect(invite.body).toBe(browserSdp);
      provider.reply(invite, 488);
      expect(header(await alice.finalResponse(sent), "warning")).toContain("302 offhook");
    });
  });
});
