import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { answerFault } from "../../../../durable-objects/shared/reply.ts";
import { publish } from "../../../../lib/presence/publication.ts";
import { isFault, limitReached } from "../../../../lib/syntax/fault.ts";
import { receive } from "../support/sip.ts";

describe("a limit that is reached", () => {
  it.each([403, 480] as const)("draws %s with the reason in its reason phrase and in a Warning, and no Retry-After", (status) => {
    const { request } = receive("SUBSCRIBE sip:bob@example.com");
    const lines = answerFault(request, limitReached(status, "too many watchers for this user")).split("\r\n");
    expect(lines[0]).toBe(`SIP/2.0 ${status} Too many watchers for this user`);
    expect(lines).toContain('Warning: 399 offhook "too many watchers for this user"');
    expect(lines.filter((line) => line.startsWith("Retry-After"))).toEqual([]);
  });

  it("of publications draws 403, and not 503, which would speak for the whole server (RFC 3261 §21.5.4)", () => {
    const { request } = receive("PUBLISH sip:bob@example.com", "Event: presence", "Content-Type: application/pidf+xml");
    const settings = { minimumExpires: 60, maximumExpires: 3600, defaultExpires: 600, maximumPublications: 0, maximumSize: 1000 };
    const outcome = publish({
      ...{ request, event: "presence", publications: [], tag: "t", body: "<presence/>", phone: undefined, now: 0 },
      settings,
      read: (_type, body) => body,
    });
    expect(isFault(outcome) ? [outcome.status, outcome.reason, outcome.headers] : outcome).toEqual([
      403,
      "Too many publications for this user",
      undefined,
    ]);
  });

  it("draws no 503 anywhere", () => {
    const words = /fault\(503, [^)]*\b(?:too (?:many|often)|as many as|in use|full)\b/;
    const sources = globSync("{lib,durable-objects,workers}/**/*.ts");
    expect(sources.filter((file) => words.test(readFileSync(file, "utf8")))).toEqual([]);
  });
});
