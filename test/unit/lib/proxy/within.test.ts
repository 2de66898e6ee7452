import { describe, expect, it } from "vitest";
import { refuseWithin } from "../../../../lib/proxy/within.ts";
import { receive } from "../support/sip.ts";

/** The events of a NOTIFY within a dialog, then whether it passes from a user of the domain, and from others. */
const table: readonly (readonly [readonly string[], boolean, boolean])[] = [
  [["refer"], true, true],
  [["refer;id=93809824"], true, true],
  [["Conference"], true, true],
  [["dialog;sla"], true, true],
  [["presence"], true, true],
  [["presence.winfo"], true, true],
  [["kpml"], true, true],
  [["message-summary"], true, true],
  [["reg"], true, true],
  [["call-completion"], true, true],
  [["check-sync;reboot=true"], false, false],
  [["Resync"], false, false],
  [["ACTION-URI"], false, false],
  [["talk"], false, false],
  [["hold"], false, false],
  [["refer, check-sync"], false, false],
  [["refer", "check-sync"], false, false],
  [["service-control"], true, false],
  [["report"], true, false],
  [["ua-profile"], true, false],
  [["sys-control"], true, false],
  [["x-cisco-remotecc"], true, false],
  [["Yealink-xml"], true, false],
  [["sync"], true, false],
  [["refer, sync"], true, false],
  [["refer", "sync"], true, false],
  [["dialog.sync"], true, false],
  [["refer\tsync"], true, false],
  [[""], true, false],
  [[], true, false],
];

describe("a NOTIFY within a dialog", () => {
  it.each(
    table.flatMap(([events, ofDomain, ofOthers]) => [
      [events, "a user of the domain", ofDomain] as const,
      [events, "another", ofOthers] as const,
    ]),
  )("for %j, of %s, passes: %s", (events, sender, passes) => {
    const { request, mandatory } = receive("NOTIFY sip:bob@example.com", ...events.map((event) => `Event: ${event}`));
    const from = { identity: "alice@example.com", isOfDomain: sender !== "another" };
    expect(refuseWithin([], from, request, mandatory)?.status).toBe(passes ? undefined : 489);
  });

  it("of a user who is blocked passes, and nothing else but the end of the call", () => {
    const statuses = ["NOTIFY", "BYE", "ACK", "INFO"].map((method) => {
      const { request, mandatory } = receive(`${method} sip:bob@example.com`, "Event: refer");
      return refuseWithin(["alice@example.com"], { identity: "alice@example.com", isOfDomain: true }, request, mandatory)?.status;
    });
    expect(statuses).toEqual([undefined, undefined, undefined, 603]);
  });
});
