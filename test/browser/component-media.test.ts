import type { Locator } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Measurement, qualityOf } from "../../web/phone/quality.ts";
import { canBrowse } from "../support/browser.ts";
import { type ComponentPhone, type ComponentUnderTest, startComponent, talk } from "./component-phone.ts";

/** A browser whose screen is a canvas, and whose bar "Stop sharing" is a function. Counts the audio outputs that are set. */
const withScreen = `
  navigator.mediaDevices.getDisplayMedia = async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 200 });
    const context = canvas.getContext("2d");
    setInterval(() => context.fillRect(Math.random() * 300, Math.random() * 180, 20, 20), 50);
    const stream = canvas.captureStream(20);
    const [track] = stream.getTracks();
    window.stopSharing = () => { track.stop(); track.dispatchEvent(new Event("ended")); };
    return stream;
  };`;

describe.skipIf(!canBrowse)("the media of the component", () => {
  let component: ComponentUnderTest;
  beforeAll(async () => {
    component = await startComponent(undefined, { isWhole: true });
  });
  afterEach(() => component.closeTabs());
  afterAll(() => component?.close());

  const two = (script?: string) =>
    Promise.all(["alice", "bob"].map((name) => component.phone(name, script === undefined ? {} : { script }))) as Promise<
      [ComponentPhone, ComponentPhone]
    >;
  /** Pictures come, and their width is more than nothing. */
  const plays = async (video: Locator) => {
    const played = () => video.evaluate(({ currentTime, videoWidth }: HTMLVideoElement) => (videoWidth > 2 ? currentTime : 0));
    const before = await played();
    await expect.poll(played, { message: "the video plays" }).toBeGreaterThan(before + 0.2);
  };
  const remote = (phone: ComponentPhone, other: ComponentPhone) => phone.card(other).locator(".remote-video");

  it("a video call has pictures both ways, and sound", async () => {
    const [alice, bob] = await two();
    await alice.page.fill("offhook-phone .dial [name=target]", bob.address);
    await alice.page.click("offhook-phone .video-call");
    await bob.presses(alice, "answer-video");
    await Promise.all([plays(remote(alice, bob)), plays(remote(bob, alice))]);
    await Promise.all([plays(alice.card(bob).locator(".own-video")), plays(bob.card(alice).locator(".own-video"))]);
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
    await alice.presses(bob, "hang-up");
    await bob.hasCalls();
  });

  it("camera and screen come and go in a call that began with sound only", async () => {
    const [alice, bob] = await two(withScreen);
    await talk(alice, bob);
    expect(await bob.card(alice).locator("button.answer-video").count()).toBe(0);
    await alice.presses(bob, "camera");
    await plays(remote(bob, alice));
    await bob.presses(alice, "camera");
    await plays(remote(alice, bob));
    await alice.presses(bob, "screen");
    await alice.page.waitForSelector("offhook-phone .screen[aria-pressed=true]");
    const width = () => remote(bob, alice).evaluate(({ videoWidth }: HTMLVideoElement) => videoWidth);
    await expect.poll(width, { message: "the screen is shown" }).toBe(320);
    await alice.page.evaluate("stopSharing()");
    await remote(bob, alice).waitFor({ state: "detached" });
    await plays(remote(alice, bob));
    await bob.presses(alice, "camera");
    await remote(alice, bob).waitFor({ state: "detached" });
    await alice.presses(bob, "camera");
    await plays(remote(bob, alice));
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
  });

  it("a camera that the browser does not give leaves the call as it is, and is told of", async () => {
    const [alice, bob] = await two();
    await talk(alice, bob);
    await alice.page.evaluate('navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotFoundError"))');
    await alice.presses(bob, "camera");
    await alice.tells("The camera cannot be used (NotFoundError)");
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
  });

  it("another microphone and loudspeaker can be chosen, in a call too, and stay chosen", async () => {
    const note = `
      window.sinks = [];
      const { setSinkId } = HTMLMediaElement.prototype;
      HTMLMediaElement.prototype.setSinkId = function (id) { window.sinks.push(id); return setSinkId.call(this, id); };
      window.microphones = [];
      const { replaceTrack } = RTCRtpSender.prototype;
      RTCRtpSender.prototype.replaceTrack = function (track) { window.microphones.push(track.getSettings().deviceId); return replaceTrack.call(this, track); };`;
    const [alice, bob] = await two(note);
    await talk(alice, bob);
    await alice.shows("settings");
    const values = async (kind: string) => {
      await alice.page.waitForSelector(`offhook-phone .device-${kind} option:nth-child(2)`, { state: "attached" });
      return alice.page
        .locator(`offhook-phone .device-${kind} option`)
        .evaluateAll((options) => options.map((one) => (one as HTMLOptionElement).value));
    };
    const [microphone = "", output = ""] = [(await values("microphone")).at(-1), (await values("output")).at(-1)];
    await alice.page.selectOption("offhook-phone .device-microphone", microphone);
    await alice.page.selectOption("offhook-phone .device-output", output);
    await expect.poll(() => alice.page.evaluate("[window.microphones.at(-1), window.sinks.at(-1)]")).toEqual([microphone, output]);
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
    await alice.page.reload();
    await alice.isRegistered();
    await alice.shows("settings");
    await values("microphone");
    expect(await alice.page.inputValue("offhook-phone .device-microphone")).toBe(microphone);
  });

  it("levels move with the sound, and a muted microphone is silent at the other side", async () => {
    const [alice, bob] = await two();
    await talk(alice, bob);
    await alice.says(".quality", "Sound: good");
    expect(await alice.card(bob).locator(".quality").getAttribute("title")).toMatch(/^0 % lost, \d+ ms jitter, \d+ ms there and back$/);
    const level = (phone: ComponentPhone, other: ComponentPhone, name: string) =>
      phone
        .card(other)
        .locator(`meter.${name}`)
        .evaluate(({ value }: HTMLMeterElement) => value);
    await expect.poll(() => level(alice, bob, "own-level"), { message: "own level" }).toBeGreaterThan(0);
    await expect.poll(() => level(bob, alice, "level"), { message: "level of the other side" }).toBeGreaterThan(0.01);
    await alice.presses(bob, "mute");
    await alice.page.waitForSelector("offhook-phone .mute[aria-pressed=true]");
    // A beep of the browser's own microphone comes each second.
    let loudest = 1;
    for (let silent = 0; silent < 6; silent = loudest < 0.01 ? silent + 1 : 0) {
      await bob.hears(alice);
      loudest = await level(bob, alice, "level");
    }
    await alice.presses(bob, "mute");
    await expect.poll(() => level(bob, alice, "level"), { message: "level after the mute" }).toBeGreaterThan(0.01);
  });

  it("the keys go in the sound (RFC 4733), by button and by keyboard", async () => {
    const note = `
      window.sounded = [];
      const insert = RTCDTMFSender.prototype.insertDTMF;
      RTCDTMFSender.prototype.insertDTMF = function (...parameters) {
        this.ontonechange = ({ tone }) => { if (tone !== "") window.sounded.push(tone); };
        return insert.apply(this, parameters);
      };`;
    const [alice, bob] = await two(note);
    await talk(alice, bob);
    await alice.presses(bob, "keys");
    await alice.card(bob).locator('.keys-grid button:text-is("5")').click();
    await alice.page.keyboard.press("*");
    await expect.poll(() => alice.page.evaluate("window.sounded.join('')")).toBe("5*");
    expect(await alice.card(bob).locator("output").textContent()).toBe("5*");
  });
});

describe("how a call sounds", () => {
  const first: Measurement = {
    ...{ at: 0, received: 0, audioReceived: 0, lost: 0, checks: 0, jitter: 0.005, roundTrip: 0.04, level: 0.1, ownLevel: 0.2 },
  };
  const later = (changes: Partial<Measurement>) => qualityOf({ ...first, received: 100, audioReceived: 100, ...changes }, first);

  it.each([
    [{}, "good", 0],
    [{ lost: 1 }, "good", 1],
    [{ lost: 4 }, "fair", 4],
    [{ lost: 20 }, "poor", 17],
    [{ jitter: 0.04 }, "fair", 0],
    [{ jitter: 0.07 }, "poor", 0],
    [{ roundTrip: 0.35 }, "fair", 0],
    [{ roundTrip: 0.7 }, "poor", 0],
    [{ roundTrip: undefined }, "good", 0],
  ] as const)("with %o: %s", (changes, rating, loss) => {
    const quality = later(changes);
    expect([quality.rating, Math.round(quality.loss)]).toEqual([rating, loss]);
  });

  it("counts the loss since the measurement before, and not that of the whole call", () => {
    const before = { ...first, audioReceived: 1000, lost: 500 };
    expect(qualityOf({ ...before, audioReceived: 1100 }, before)).toMatchObject({ rating: "good", loss: 0, packetsReceived: 1100 });
  });
});
