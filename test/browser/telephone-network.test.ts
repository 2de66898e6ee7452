import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Telephone, hasBaresip, startTelephone } from "../support/baresip.ts";
import { canBrowse } from "../support/browser.ts";
import { compose, newBranch } from "../support/compose.ts";
import { type Dialog, dialogOfCallee, dialogOfCaller } from "../support/dialog.ts";
import { type Rtpengine, hasRtpengine, startRtpengine } from "../support/rtpengine.ts";
import { type RtpEnd, startRtpEnd } from "../support/rtp-end.ts";
import { telephoneSdp } from "../support/session-descriptions.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";
import { dial, hears, open, reads } from "./softphone-page.ts";
import { callsBack, holdsAndResumes, userOf } from "./telephone-calls.ts";
import { type BrowserPhone, type Parlour, openParlour } from "./browser-phone.ts";

const isHere = canBrowse && hasBaresip && hasRtpengine;
const sdp = "Content-Type: application/sdp";

describe.skipIf(!isHere)("a browser and the telephone network", () => {
  let parlour: Parlour;
  let engine: Rtpengine;
  const toClose: { close(): unknown }[] = [];
  beforeAll(async () => {
    [parlour, engine] = await Promise.all([
      openParlour({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8", DEAD_CALL_TIME: "2" } }),
      startRtpengine(),
    ]);
    const { server } = parlour.serverUnderTest;
    expect((await server.api("PUT", "/domains/localhost/media/engine", { kind: "rtpengine", url: engine.url })).status).toBe(200);
  });
  afterEach(async () => {
    await parlour.clear();
    for (const one of toClose.splice(0)) await one.close();
  });
  afterAll(() => Promise.all([parlour?.close(), engine?.close()]));

  async function trunk(port: number, profile: "rtp" | "srtp-sdes", more: object = {}, members: object = {}): Promise<void> {
    const body = {
      server: `sip:127.0.0.1:${port};transport=tcp`,
      prefixes: ["+4930"],
      inbound: true,
      media: { profile, ...more },
      ...members,
    };
    expect((await parlour.serverUnderTest.server.api("PUT", "/domains/localhost/trunks/carrier", body)).status).toBe(200);
  }

  /** A telephone behind a trunk. */
  async function telephone(profile: "rtp" | "srtp-sdes"): Promise<Telephone> {
    const desk = await startTelephone("+4930100", profile);
    toClose.push(desk);
    await trunk(desk.port, profile);
    return desk;
  }

  /** A browser has called a telephone, which has answered. */
  async function inCall(library: "jssip" | "sipjs", profile: "rtp" | "srtp-sdes") {
    const desk = await telephone(profile);
    const alice = await parlour.phone(library, "general", "alice");
    await alice.calls("+4930100");
    await desk.happens("rings");
    desk.answers();
    await alice.becomes("confirmed");
    return { desk, alice };
  }

  it.each([
    ["jssip", "rtp"],
    ["sipjs", "rtp"],
    ["jssip", "srtp-sdes"],
  ] as const)("%s calls baresip (%s): both hear, hold and resume, and the session ends", async (library, profile) => {
    const { desk, alice } = await inCall(library, profile);
    await alice.hears();
    expect(await engine.sessions()).toHaveLength(1);
    await holdsAndResumes(desk, alice);
    await alice.does("hangUp");
    await desk.happens("has ended");
    await expect.poll(() => engine.sessions()).toEqual([]);
  });

  it("baresip hangs up: the session ends", async () => {
    const { desk, alice } = await inCall("jssip", "rtp");
    desk.hangsUp();
    await alice.becomes("ended");
    await expect.poll(() => engine.sessions()).toEqual([]);
  });

  it.each(["jssip", "sipjs"] as const)("baresip calls %s: both hear, hold and resume, and the session ends", async (library) => {
    const { desk, alice } = await inCall(library, "rtp");
    await alice.does("hangUp");
    await desk.happens("has ended");
    await callsBack(desk, alice);
    await holdsAndResumes(desk, alice);
    desk.hangsUp();
    await alice.becomes("ended");
    await expect.poll(() => engine.sessions()).toEqual([]);
  });

  it("the softphone page calls baresip, is called by it, and is lost in the call: the session ends", async () => {
    const desk = await telephone("rtp");
    const alice = await parlour.serverUnderTest.newcomer("alice");
    const page = await open(parlour, alice);
    await dial(page, "+4930100");
    await desk.happens("rings");
    desk.answers();
    await reads(page, "#progress", "In a call");
    await hears(page);
    await expect.poll(() => desk.loudness()).toBeGreaterThan(0.01);
    desk.hangsUp();
    await reads(page, "#notice", /./);
    await expect.poll(() => engine.sessions()).toEqual([]);
    await desk.callsBack(alice);
    await page.click("#answer");
    await desk.happens("talks");
    await hears(page);
    await page.close();
    await desk.happens("has ended");
    await expect.poll(() => engine.sessions()).toEqual([]);
  });

  describe("a carrier", () => {
    let carrier: SipServer;
    let audio: RtpEnd;
    const contact = () => `Contact: <sip:far@127.0.0.1:${carrier.port};transport=tcp>`;
    const send = (method: string, uri: string, lines: readonly string[], body = "") => {
      const via = `Via: SIP/2.0/TCP 127.0.0.1:${carrier.port};branch=${newBranch()}`;
      carrier.send(compose(`${method} ${uri} SIP/2.0`, [via, "Max-Forwards: 70", ...lines], body));
    };
    const sendsWithin = (method: string, { callId, local, remote, target, routes }: Dialog, cseq: number) =>
      send(method, target, [
        ...routes.map((route) => `Route: ${route}`),
        ...[`From: ${local}`, `To: ${remote}`, `Call-ID: ${callId}`, `CSeq: ${cseq} ${method}`],
      ]);

    async function open(): Promise<BrowserPhone> {
      [carrier, audio] = await Promise.all([startSipServer(), startRtpEnd()]);
      toClose.push(carrier, audio);
      await trunk(carrier.port, "rtp");
      return parlour.phone("jssip", "general", "alice");
    }

    it("says a tone before it answers; keys arrive at both ends; and it hears the browser", async () => {
      const alice = await open();
      await alice.calls("+4930200");
      const invite = await carrier.next("INVITE");
      audio.saysTo(invite.body);
      carrier.reply(invite, 183, [contact(), sdp], telephoneSdp(audio.port, invite.body));
      await alice.hearsTone();
      carrier.reply(invite, 200, [contact(), sdp], telephoneSdp(audio.port, invite.body));
      await carrier.next("ACK");
      await alice.becomes("confirmed");
      await expect.poll(() => audio.loudness()).toBeGreaterThan(0.01);
      for (const key of ["4", "2", "#"]) {
        await alice.presses(key);
        await expect.poll(() => audio.keys()).toContain(key);
      }
      audio.presses("5");
      await alice.hearsKey(770, 1336);
      sendsWithin("BYE", dialogOfCallee(invite, "theirs"), 1);
      await alice.becomes("ended");
      await expect.poll(() => engine.sessions()).toEqual([]);
    });

    it.each(["jssip", "sipjs"] as const)("gets the keys that %s sends as INFO in the audio, if it wants that", async (library) => {
      [carrier, audio] = await Promise.all([startSipServer(), startRtpEnd()]);
      toClose.push(carrier, audio);
      await trunk(carrier.port, "rtp", { dtmf: "rfc4733" });
      const alice = await parlour.phone(library, "general", "alice");
      await alice.calls("+4930200");
      const invite = await carrier.next("INVITE");
      audio.saysTo(invite.body);
      carrier.reply(invite, 200, [contact(), sdp], telephoneSdp(audio.port, invite.body));
      await carrier.next("ACK");
      await alice.becomes("confirmed");
      await expect.poll(() => audio.loudness()).toBeGreaterThan(0.01);
      for (const key of ["4", "#", "D"]) {
        await alice.pressesByInfo(key);
        await expect.poll(() => audio.keys()).toContain(key);
      }
      expect(carrier.rest().filter(({ method }) => method === "INFO")).toEqual([]);
      sendsWithin("BYE", dialogOfCallee(invite, "theirs"), 1);
      await alice.becomes("ended");
    });

    it.each([
      ["jssip", "sipjs"],
      ["sipjs", "jssip"],
    ] as const)("is transferred from %s to %s by this server, and talks with both", async (first, second) => {
      [carrier, audio] = await Promise.all([startSipServer(), startRtpEnd()]);
      toClose.push(carrier, audio);
      await trunk(carrier.port, "rtp", {}, { refer: "handle" });
      const [alice, bob] = [await parlour.phone(first, "general", "alice"), await parlour.phone(second, "general", "bob")];
      await alice.calls("+4930200");
      const invite = await carrier.next("INVITE");
      audio.saysTo(invite.body);
      carrier.reply(invite, 200, [contact(), sdp], telephoneSdp(audio.port, invite.body));
      await carrier.next("ACK");
      await alice.hearsTone();
      await alice.transfersTo(bob);
      const again = await carrier.next("INVITE");
      carrier.reply(again, 200, [contact(), sdp], telephoneSdp(audio.port));
      await bob.becomes("ringing");
      await bob.does("answer");
      audio.saysTo((await carrier.next("ACK")).body);
      await bob.becomes("confirmed");
      await bob.hearsTone();
      await alice.does("hangUp");
      await alice.becomes("ended");
      await expect.poll(() => audio.loudness()).toBeGreaterThan(0.01);
      sendsWithin("BYE", dialogOfCallee(invite, "theirs"), 9);
      await bob.becomes("ended");
      await expect.poll(() => engine.sessions()).toEqual([]);
    });

    it("calls the browser: both hear", async () => {
      const alice = await open();
      // There is a connection that the carrier can call by.
      await alice.calls("+4930200");
      carrier.reply(await carrier.next("INVITE"), 486);
      await alice.becomes("ended");
      const user = userOf(alice.address);
      const lines = [
        "From: <sip:+49301234@carrier.example>;tag=far",
        `To: <sip:${user}@localhost>`,
        `Call-ID: ${newBranch()}`,
        "CSeq: 1 INVITE",
      ];
      send("INVITE", `sip:${user}@localhost`, [...lines, contact(), sdp], telephoneSdp(audio.port));
      await alice.becomes("ringing");
      await alice.does("answer");
      const ok = await carrier.next(200, { method: "INVITE" });
      audio.saysTo(ok.body);
      const dialog = dialogOfCaller(ok);
      sendsWithin("ACK", dialog, 1);
      await alice.becomes("confirmed");
      await alice.hearsTone();
      await expect.poll(() => audio.loudness()).toBeGreaterThan(0.01);
      await alice.does("hangUp");
      carrier.reply(await carrier.next("BYE"), 200);
      await expect.poll(() => engine.sessions()).toEqual([]);
    });

    it("is refused for its media without a service, and the phone says why", async () => {
      const { server } = parlour.serverUnderTest;
      const alice = await open();
      await server.api("DELETE", "/domains/localhost/media/engine");
      try {
        await alice.calls("+4930200");
        await alice.becomes("ended");
        expect(await alice.lastEnding()).toContain("488");
      } finally {
        await server.api("PUT", "/domains/localhost/media/engine", { kind: "rtpengine", url: engine.url });
      }
    });
  });

  it("an engine that is killed in a call: the next offer brings the audio back", async () => {
    const { alice } = await inCall("jssip", "rtp");
    await alice.hearsTone();
    await engine.restarts();
    await alice.does("hold");
    await alice.does("resume");
    await alice.hears();
    await alice.hearsTone();
    await alice.does("hangUp");
    await expect.poll(() => engine.sessions()).toEqual([]);
  });
});
