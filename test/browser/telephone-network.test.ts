import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Telephone, hasBaresip, startTelephone } from "../support/baresip.ts";
import { canBrowse } from "../support/browser.ts";
import { type Rtpengine, hasRtpengine, startRtpengine } from "../support/rtpengine.ts";
import { type Parlour, openParlour } from "./browser-phone.ts";

const isHere = canBrowse && hasBaresip && hasRtpengine;

describe.skipIf(!isHere)("a browser and the telephone network", () => {
  let parlour: Parlour;
  let engine: Rtpengine;
  const phones: Telephone[] = [];
  beforeAll(async () => {
    [parlour, engine] = await Promise.all([openParlour({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } }), startRtpengine()]);
    const { server } = parlour.serverUnderTest;
    expect((await server.api("PUT", "/domains/localhost/media/engine", { kind: "rtpengine", url: engine.url })).status).toBe(200);
  });
  afterEach(async () => {
    await parlour.clear();
    for (const phone of phones.splice(0)) await phone.close();
  });
  afterAll(() => Promise.all([parlour?.close(), engine?.close()]));

  /** A telephone behind a trunk. */
  async function telephone(number: string, profile: "rtp" | "srtp-sdes" = "rtp", media: object = { profile }): Promise<Telephone> {
    const phone = await startTelephone(number, profile);
    phones.push(phone);
    const body = { server: `sip:127.0.0.1:${phone.port};transport=tcp`, prefixes: [number], inbound: true, media };
    expect((await parlour.serverUnderTest.server.api("PUT", "/domains/localhost/trunks/carrier", body)).status).toBe(200);
    return phone;
  }

  it.each(["jssip", "sipjs"] as const)("%s calls a telephone: both hear, hold and resume, and the session ends", async (library) => {
    const desk = await telephone("+4930100");
    const alice = await parlour.phone(library, "general", "alice");
    await alice.calls("+4930100");
    await desk.happens("rings");
    desk.answers();
    await alice.becomes("confirmed");
    await alice.hears();
    await expect.poll(() => desk.loudness()).toBeGreaterThan(0.01);
    expect(await engine.sessions()).toHaveLength(1);
    await alice.does("hold");
    await alice.does("resume");
    await alice.hears();
    await alice.does("hangUp");
    await desk.happens("has ended");
    await expect.poll(() => engine.sessions()).toEqual([]);
  });
});
