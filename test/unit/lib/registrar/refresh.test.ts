import { describe, expect, it } from "vitest";
import { carry, isMereRefresh, isSaidAgain, refresh, takenBy, withCarried } from "../../../../lib/registrar/refresh.ts";
import { register } from "../../../../lib/registrar/register.ts";
import { accepted, after, inputOf, now, outbound, settings } from "./support.ts";

const contact = "sip:alice@one.invalid;transport=ws";
const rows = after([outbound(contact, 1)]);
const [row] = rows;
if (row === undefined) throw new Error("nothing was bound");

/** A row says that a binding exists; only its attachment knows exactly until when. */
describe("a registration that need not be written", () => {
  const isMere = (lines: readonly string[], later = 0): boolean =>
    isMereRefresh(accepted(["CSeq: 2 REGISTER", ...lines], { bindings: rows, now: now + later * 1000 }), new Map([[row.key, row]]));

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
    expect(withCarried(row, carry(later))).toEqual(later);
  });

  it("may end earlier than its row says", () => {
    expect(withCarried(row, carry({ ...row, expires: now + 1 })).expires).toBe(now + 1);
  });

  it("never has a lower CSeq than its row", () => {
    expect(withCarried({ ...row, cseq: 12 }, carry(later)).cseq).toBe(12);
  });

  it("is the row's where no flow carries it, or one of an earlier registration", () => {
    expect(withCarried(row, undefined)).toBe(row);
    expect(withCarried(row, carry({ ...later, callId: "earlier" }))).toBe(row);
  });
});

describe("a registration that is said again", () => {
  const words = [outbound(contact, 1), "Supported: path, gruu, outbound", "Expires: 700"];
  const said = (cseq: number, lines: readonly string[], via = "SIP/2.0/WSS phone.invalid;branch=z9hG4bKone"): readonly string[] => [
    `CSeq: ${cseq} REGISTER`,
    `Via: ${via}`,
    ...lines,
  ];
  const { request } = inputOf(said(1, words));
  const known = takenBy(request, accepted(said(1, words)), settings);
  const again = (lines: readonly string[], via?: string): boolean =>
    known !== undefined && isSaidAgain(inputOf(said(2, lines, via)).request, known);

  it("differs by its branch and its CSeq", () => {
    expect(again(words, "SIP/2.0/WSS phone.invalid;branch=z9hG4bKother")).toBe(true);
  });

  it.each([
    ["another contact", [outbound("sip:alice@two.invalid", 1), ...words.slice(1)]],
    ["another flow", [outbound(contact, 2), ...words.slice(1)]],
    ["another time", [...words.slice(0, 2), "Expires: 701"]],
    ["other options", [words[0] as string, "Supported: path", "Expires: 700"]],
    ["another Call-ID", ["Call-ID: other", ...words]],
    ["one line more", [...words, "Require: outbound"]],
    ["one line less", words.slice(1)],
    ["its lines in another order", [words[1] as string, words[0] as string, "Expires: 700"]],
  ])("does not have %s", (_what, lines) => {
    expect(again(lines)).toBe(false);
  });

  it("has not come by other proxies", () => {
    expect(again(words, "SIP/2.0/WSS a.invalid;branch=z9hG4bKa, SIP/2.0/WSS b.invalid;branch=z9hG4bKb")).toBe(false);
  });

  it.each([
    ["an outbound flow", words],
    ["a contact with parameters", ["Contact: <sip:alice@one.invalid>;q=0.3;+sip.ice;expires=90"]],
    ["an instance without reg-id", [`Contact: <${contact}>;+sip.instance="<urn:uuid:1>"`]],
    ["one that names no time", [`Contact: <${contact}>`]],
    ["one that wants too long a time", [`Contact: <${contact}>`, "Expires: 999999"]],
    ["a way through proxies", [`Contact: <${contact}>`, "Path: <sip:edge.invalid;lr>", "Supported: path"]],
  ])("is decided as it would be by its words: %s", (_what, lines) => {
    const first = inputOf(said(1, lines), { settings: { ...settings, spread: 0.5 } });
    const outcome = accepted(said(1, lines));
    const taken = takenBy(first.request, outcome, settings);
    if (taken === undefined) throw new Error("it may not be repeated");
    const others = after([outbound("sip:alice@three.invalid", 1, "urn:uuid:3")]);
    for (const cseq of [1, 2]) {
      const input = {
        ...inputOf(said(cseq, lines)),
        bindings: [...outcome.bindings, ...others],
        now: now + 50_000,
        random: 0.7,
      };
      const later = { ...input, settings: first.settings };
      expect(isSaidAgain(later.request, taken)).toBe(true);
      expect(refresh(taken, later)).toEqual(register(later));
    }
  });

  it("may not be repeated without thought if it removed something, or named several contacts, or none", () => {
    const bound = after([`Contact: <${contact}>`]);
    for (const lines of [[`Contact: <${contact}>;expires=0`], [`Contact: <${contact}>, <sip:two.invalid>`], []]) {
      const { request: odd } = inputOf(lines);
      expect(takenBy(odd, accepted(said(2, lines), { bindings: bound }), settings)).toBeUndefined();
    }
  });

  it("is looked at again when its binding has gone", () => {
    expect(known === undefined ? "none" : refresh(known, inputOf(words))).toBeUndefined();
  });
});
