import { describe, expect, it } from "vitest";
import { SentRequests } from "../../../durable-objects/next-hop/sent-requests.ts";
import type { Request } from "../../../lib/syntax/message.ts";

const lifetime = 32_000;
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
    const sent = new SentRequests(lifetime);
    expect(sends(sent, 3000, mallory, large)).toBe(4);
    expect(sent.refusalOf(mallory, large, lifetime)?.status).toBe(480);
    expect(sends(sent, 3, bob, large)).toBe(3);
  });

  it("do not keep a BYE from being sent", () => {
    const sent = new SentRequests(lifetime);
    sends(sent, 4, mallory, large);
    expect(["BYE", "ACK", "INFO"].map((method) => sent.refusalOf(mallory, requestOf(method, 400), 0)?.status)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(["BYE", "INFO"].map((method) => sent.refusalOf(mallory, requestOf(method, 200_000), 0)?.status)).toEqual([480, 480]);
  });

  it("have a limit of their number, too", () => {
    expect(sends(new SentRequests(lifetime), 3000, mallory, requestOf("INFO", 300))).toBe(1000);
  });

  it("wait no longer than Timer F, but for INVITEs", () => {
    const sent = new SentRequests(lifetime);
    sends(sent, 4, mallory, large);
    expect(sent.refusalOf(mallory, large, lifetime + 1)).toBeUndefined();
    const ringing = new SentRequests(lifetime);
    sends(ringing, 4, mallory, requestOf("INVITE", 250_000));
    expect(ringing.refusalOf(mallory, large, lifetime + 1)?.status).toBe(480);
  });

  it("are forgotten with their answer, but for INVITEs, of which four million characters are kept", () => {
    const sent = new SentRequests(lifetime);
    for (let index = 0; index < 100; index += 1) {
      for (const method of ["INFO", "INVITE"]) {
        sent.remember(`${method}${index}`, requestOf(method, 200_000), 0, mallory);
        sent.answered(`${method}${index}`, 486);
      }
    }
    const kept = (method: string) =>
      Array.from({ length: 100 }, (_, index) => sent.get(`${method}${index}`)).filter((one) => one !== undefined);
    expect([kept("INFO").length, kept("INVITE").length, sent.get("INVITE99")?.method]).toEqual([0, 20, "INVITE"]);
  });

  it("are known with their home until then", () => {
    const sent = new SentRequests(lifetime);
    sent.remember("one", large, 0, mallory);
    expect(sent.homeOf("one")).toBe(mallory);
    sent.answered("one", 407);
    expect([sent.get("one"), sent.homeOf("one")]).toEqual([undefined, undefined]);
  });
});
