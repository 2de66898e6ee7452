import { describe, expect, it } from "vitest";
import { SentRequests } from "../../../durable-objects/next-hop/sent-requests.ts";
import type { Request } from "../../../lib/syntax/message.ts";

const timeout = { transaction: 32_000, ringing: 180_000 };
const [mallory, bob] = ["sip:mallory@example.com#1", "sip:bob@example.com#1"];

/** Only its method and its length count. */
const requestOf = (method: string, length: number) => ({ method, text: "x".repeat(length) }) as Request;
const large = requestOf("INFO", 250_000);

/** As the connection does it: what is refused is not sent. */
function sends(sent: SentRequests, count: number, home: string, request: Request, at = 0): number {
  let passed = 0;
  for (let index = 0; index < count; index += 1) {
    if (sent.refusalOf(home, request, at) !== undefined) continue;
    sent.remember(`${home}${index}`, request, at, home);
    passed += 1;
  }
  return passed;
}

describe("requests that wait for an answer of another server", () => {
  it("have a limit of octets for each home, and those of others pass", () => {
    const sent = new SentRequests(timeout);
    expect(sends(sent, 3000, mallory, large)).toBe(4);
    expect(sent.refusalOf(mallory, large, timeout.transaction)?.status).toBe(480);
    expect(sends(sent, 3, bob, large)).toBe(3);
  });

  it("do not keep a BYE from being sent", () => {
    const sent = new SentRequests(timeout);
    sends(sent, 4, mallory, large);
    expect(["BYE", "ACK", "INFO"].map((method) => sent.refusalOf(mallory, requestOf(method, 400), 0)?.status)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(["BYE", "INFO"].map((method) => sent.refusalOf(mallory, requestOf(method, 200_000), 0)?.status)).toEqual([480, 480]);
  });

  it("have a limit of their number, too", () => {
    expect(sends(new SentRequests(timeout), 3000, mallory, requestOf("INFO", 300))).toBe(1000);
  });

  it.each(["INFO", "INVITE"])("wait no longer than Timers B and F: %s", (method) => {
    const sent = new SentRequests(timeout);
    sends(sent, 4, mallory, requestOf(method, 250_000));
    expect(sent.refusalOf(mallory, large, timeout.transaction)?.status).toBe(480);
    expect(sent.refusalOf(mallory, large, timeout.transaction + 1)).toBeUndefined();
    expect(sent.get(`${mallory}0`)).toBeUndefined();
  });

  it("wait, if they ring, until the answer to the CANCEL after Timer C could have come", () => {
    const sent = new SentRequests(timeout);
    sends(sent, 4, mallory, requestOf("INVITE", 250_000));
    for (let index = 0; index < 4; index += 1) sent.answered(`${mallory}${index}`, 180, 10_000);
    expect([221_999, 222_001].map((now) => sent.refusalOf(mallory, large, now)?.status)).toEqual([480, undefined]);
  });

  it("are forgotten also if there is room for more for room", () => {
    const sent = new SentRequests(timeout);
    sent.remember("one", large, 0, mallory);
    sent.remember("two", requestOf("INFO", 300), timeout.transaction + 1, bob);
    expect(sent.get("one")).toBeUndefined();
  });

  it("are not kept if they are BYEs without end, which pass, and do no harm to others", () => {
    const sent = new SentRequests(timeout);
    const bye = requestOf("BYE", 16_000);
    expect(sends(sent, 3000, mallory, bye)).toBe(3000);
    expect(Array.from({ length: 3000 }, (_, index) => sent.get(`${mallory}${index}`)).filter((one) => one !== undefined)).toHaveLength(65);
    expect(sent.refusalOf(bob, large, 0)).toBeUndefined();
  });

  it("are forgotten with their answer, but for INVITEs, of which four million characters are kept", () => {
    const sent = new SentRequests(timeout);
    for (let index = 0; index < 100; index += 1) {
      for (const method of ["INFO", "INVITE"]) {
        sent.remember(`${method}${index}`, requestOf(method, 200_000), 0, mallory);
        sent.answered(`${method}${index}`, 486, 0);
      }
    }
    const kept = (method: string) =>
      Array.from({ length: 100 }, (_, index) => sent.get(`${method}${index}`)).filter((one) => one !== undefined);
    expect([kept("INFO").length, kept("INVITE").length, sent.get("INVITE99")?.method]).toEqual([0, 20, "INVITE"]);
  });

  it("are known with their home until then", () => {
    const sent = new SentRequests(timeout);
    sent.remember("one", large, 0, mallory);
    expect(sent.homeOf("one")).toBe(mallory);
    sent.answered("one", 407, 0);
    expect([sent.get("one"), sent.homeOf("one")]).toEqual([undefined, undefined]);
  });
});
