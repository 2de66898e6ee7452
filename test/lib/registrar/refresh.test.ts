import { describe, expect, it } from "vitest";
import { carry, isMereRefresh, withCarried } from "../../../lib/registrar/refresh.ts";
import { accepted, after, now, outbound } from "./support.ts";

const contact = "sip:alice@one.invalid;transport=ws";
const rows = after([outbound(contact, 1)]);
const [row] = rows;
if (row === undefined) throw new Error("nothing was bound");

/** DESIGN §4: a row says that a binding exists; only its attachment knows exactly until when. */
describe("a registration that need not be written", () => {
  const isMere = (lines: readonly string[], later = 0): boolean =>
    isMereRefresh(accepted(["CSeq: 2 REGISTER", ...lines], { bindings: rows, now: now + later * 1000 }), rows);

  it("is the same again, with a higher CSeq", () => {
    expect(isMere([outbound(contact, 1)])).toBe(true);
  });

  it("may name another time", () => {
    expect(isMere([`${outbound(contact, 1)};expires=60`])).toBe(true);
    expect(isMere([`${outbound(contact, 1)};expires=6000`])).toBe(true);
  });

  it("ends inside the lease of the row", () => {
    expect(isMere([outbound(contact, 1)], 5400)).toBe(true);
    expect(isMere([outbound(contact, 1)], 5401)).toBe(false);
  });

  it.each([
    ["has another contact", [outbound("sip:alice@two.invalid;transport=ws", 1)]],
    ["has other parameters", [`${outbound(contact, 1)};+sip.ice`]],
    ["has another q", [`${outbound(contact, 1)};q=0.5`]],
    ["has another Path", [outbound(contact, 1), "Path: <sip:edge.invalid;lr>"]],
    ["has another Call-ID", [outbound(contact, 1), "Call-ID: other"]],
    ["is another flow", [outbound(contact, 2)]],
    ["removes", [`${outbound(contact, 1)};expires=0`]],
    ["removes besides", [outbound(contact, 1), `Contact: <${contact}>;expires=0;reg-id=1;+sip.instance="<urn:uuid:1>"`]],
    ["asks only", []],
  ])("is none that %s", (_what, lines) => {
    expect(isMere(lines)).toBe(false);
  });
});

describe("a binding with what its flow knows better", () => {
  const later = { ...row, cseq: 9, expires: now + 3_000_000 };

  it("has the CSeq and the exact expiry of the last refresh, and the rest of the row", () => {
    expect(withCarried(row, carry(later, row.lease))).toEqual(later);
  });

  it("may end earlier than its row says", () => {
    expect(withCarried(row, carry({ ...row, expires: now + 1 }, row.lease)).expires).toBe(now + 1);
  });

  it("never has a lower CSeq than its row", () => {
    expect(withCarried({ ...row, cseq: 12 }, carry(later, row.lease)).cseq).toBe(12);
  });

  it("is the row's where no flow carries it, or one of an earlier registration", () => {
    expect(withCarried(row, undefined)).toBe(row);
    expect(withCarried(row, carry({ ...later, callId: "earlier" }, row.lease))).toBe(row);
  });
});
