import { isLoop, loopMark } from "../../../../lib/proxy/loop-detection.ts";
import { describe, expect, it } from "vitest";
import { hintIn, homeHint, readBranch, statefulBranch, statelessBranch, transactionName } from "../../../../lib/proxy/branch.ts";
import { writeReturnAddress } from "../../../../lib/transport/return-address.ts";
import { keyring, strangeKeyring } from "../support/sip.ts";
import { answerTo, transaction } from "./support.ts";

const home = "sip:bob@example.com#1";
const hint = homeHint(keyring, home);

const of = { callId: "call", cseq: 1, method: "INVITE", fromTag: "a" };

describe("the home hint", () => {
  it("is short, and tells the home only to who has the key", () => {
    expect(hint).toMatch(/^[\w-]{8}$/);
    expect(homeHint(keyring, "sip:bob@example.com#2")).not.toBe(hint);
    expect(homeHint(strangeKeyring, home)).not.toBe(hint);
  });

  it("stands at the start of every branch of ours", () => {
    expect(hintIn(statefulBranch(hint, transaction, 0, "m"))).toBe(hint);
    expect(hintIn(statelessBranch(keyring, hint, { answerTo, transaction }, of, "m"))).toBe(hint);
  });

  it.each([undefined, "", "z9hG4bK", `z9hG4bK${hint}`, `Z9HG4BK${hint}.x.y`, "776asdhds.loooooooong"])("is not in %j", (branch) => {
    expect(hintIn(branch)).toBeUndefined();
  });
});

describe("a branch of a response context", () => {
  it.each([0, 7, 12])("is read back: branch %i", (index) => {
    expect(readBranch(keyring, statefulBranch(hint, transaction, index, "mark"), of)).toEqual({
      kind: "stateful",
      context: transaction,
      index,
    });
  });
});

describe("a branch of a request forwarded without state (RFC 3261 §16.11)", () => {
  const made = statelessBranch(keyring, hint, { answerTo, transaction }, of, "mark");

  it("carries its return address, sealed", () => {
    expect(readBranch(keyring, made, of)).toEqual({ kind: "stateless", answerTo, isWithin: false });
    expect(made).not.toContain("alice");
    expect(readBranch(strangeKeyring, made, of)).toBeUndefined();
  });

  it.each([
    ["Call-ID", { callId: "other" }],
    ["CSeq", { cseq: 2 }],
    ["method", { method: "BYE" }],
    ["From tag", { fromTag: "b" }],
  ])("is no way back for a response with another %s", (_name, other) => {
    expect(readBranch(keyring, made, { ...of, ...other })).toBeUndefined();
  });

  it.each(["INVITE", "BYE", "UPDATE"])(
    "is one for responses with any To tag; to a %s within a dialog, with its To tag (§8.2.6.2)",
    (method) => {
      expect(readBranch(keyring, made, { ...of, toTag: "any" })).toEqual({ kind: "stateless", answerTo, isWithin: false });
      const within = statelessBranch(keyring, hint, { answerTo, transaction }, { ...of, method, toTag: "a" }, "mark");
      const isRead = ["a", "b", undefined].map((toTag) => readBranch(keyring, within, { ...of, method, toTag }) !== undefined);
      expect(isRead).toEqual([true, false, false]);
    },
  );

  it("is none with another loop mark; a next hop adds to it for another CSeq, and for credentials", () => {
    const read = (branch: string) => readBranch(keyring, branch, of) !== undefined;
    expect([made, `${made}-1`, `${made}-a`, `${made}-1-a`].map(read)).toEqual([true, true, true, true]);
    expect([made.replace(/mark$/, "zz"), made.replace(/mark$/, ""), `${made}x`, `${made}-b`].map(read)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  it("says whether the request was within a dialog, if an answer hides it too", () => {
    const within = statelessBranch(keyring, hint, { answerTo, transaction }, { ...of, toTag: "a" }, "mark");
    expect(readBranch(keyring, within, { ...of, toTag: "a" })).toEqual({ kind: "stateless", answerTo, isWithin: true });
    expect(readBranch(keyring, within.replace(`${hint}w`, `${hint}o`), { ...of, toTag: "a" })).toBeUndefined();
  });

  it.each([
    ["~", "1 call", undefined],
    ["+", "1\nINVITE\ncall\na", false],
    ["_", "1\nINVITE\ncall\na\nb", true],
  ])("is read from older builds, which sealed less: %s", (mark, context, isWithin) => {
    const sealed = keyring.seal("return-address", writeReturnAddress(answerTo, transaction), context);
    const read = readBranch(keyring, `z9hG4bK${hint}${mark}${sealed}.mark`, { ...of, toTag: "b" });
    expect(read).toEqual({ kind: "stateless", answerTo, isWithin });
  });

  it("is a function of what it was received with: a CANCEL or an ACK gets the same one", () => {
    for (const method of ["INVITE", "CANCEL", "ACK"])
      expect(statelessBranch(keyring, hint, { answerTo, transaction }, { ...of, method }, "mark")).toBe(made);
    expect(statelessBranch(keyring, hint, { answerTo, transaction: "fedcba9876543210" }, of, "mark")).not.toBe(made);
  });

  it("is a token (§25.1)", () => {
    expect(made).toMatch(/^z9hG4bK[\w.+-]+$/);
  });
});

describe("a branch that we did not mint", () => {
  it.each([
    "",
    "x",
    `z9hG4bK${hint}`,
    `z9hG4bK${hint}.`,
    `z9hG4bK${hint}.short.0.m`,
    `z9hG4bK${hint}~`,
    `z9hG4bK${hint}~AAAA.m`,
    `z9hG4bK${hint}x.y.z`,
  ])("%j is not read", (branch) => {
    expect(readBranch(keyring, branch, of)).toBeUndefined();
  });
});

describe("the name of a transaction (RFC 3261 §17.2.3)", () => {
  const name = transactionName(keyring, home, "z9hG4bKx", "phone.invalid");

  it("is the same for the same branch and sent-by at the same home", () => {
    expect(transactionName(keyring, home, "z9hG4bKx", "phone.invalid")).toBe(name);
    expect(name).toHaveLength(transaction.length);
  });

  it.each([
    ["home", "sip:carol@example.com#1", "z9hG4bKx", "phone.invalid"],
    ["branch", home, "z9hG4bKy", "phone.invalid"],
    ["sent-by", home, "z9hG4bKx", "other.invalid"],
  ])("is another for another %s", (_what, ...of) => {
    expect(transactionName(keyring, ...of)).not.toBe(name);
  });
});

describe("the loop mark (RFC 3261 §16.6 step 8)", () => {
  const mark = loopMark("sip:bob@example.com", [], "call", "1 a");

  it.each([
    ["Request-URI", loopMark("sip:sales@example.com", [], "call", "1 a")],
    ["Route", loopMark("sip:bob@example.com", ["<sip:x;lr>"], "call", "1 a")],
    ["Call-ID", loopMark("sip:bob@example.com", [], "another", "1 a")],
    ["CSeq", loopMark("sip:bob@example.com", [], "call", "2 a")],
  ])("is another for another %s", (_what, other) => {
    expect(other).not.toBe(mark);
  });

  it("of what comes back unchanged is a loop, of what changed a spiral (§16.3 step 4)", () => {
    const branches = ["z9hG4bKsomebody", undefined, statefulBranch(hint, transaction, 0, mark)];
    expect(isLoop(branches, [hint], mark)).toBe(true);
    expect(isLoop(branches, [hint], loopMark("sip:sales@example.com", [], "call", "1 a"))).toBe(false);
  });

  it("of another home is none of ours", () => {
    expect(isLoop([statefulBranch(homeHint(keyring, "sip:carol@example.com#1"), transaction, 0, mark)], [hint], mark)).toBe(false);
    expect(isLoop([statelessBranch(keyring, hint, { answerTo, transaction }, of, mark)], [hint], mark)).toBe(true);
    expect(isLoop([], [hint], mark)).toBe(false);
  });
});
