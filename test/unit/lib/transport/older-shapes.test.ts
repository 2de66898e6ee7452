import { describe, expect, it } from "vitest";
import { attachmentOf, readAttachment, restoreFlow } from "../../../../lib/transport/attachment.ts";
import { type Envelope, readEnvelope } from "../../../../lib/transport/envelope.ts";
import type { Flow } from "../../../../lib/transport/flow.ts";
import { readOpening } from "../../../../lib/transport/opening.ts";

const answerTo = { home: "sip:alice@example.com#1", flow: "flowflow", phone: "phone" };
const subscriber = { username: "bob" };

/** A MESSAGE that was sent on, as the first release wrote it. */
const written = {
  kind: "request",
  text: "MESSAGE sip:bob@example.com SIP/2.0\r\n\r\n",
  answerTo,
  transaction: "t",
  identity: "alice@example.com",
  to: { kind: "address", instance: undefined, registration: undefined },
  recordRoute: undefined,
  trail: ["sip:carol@example.com#1 sip:carol@example.com"],
  introduces: subscriber,
};
const { trail, introduces, ...request } = written;
const read = {
  ...request,
  forwardingTrail: trail,
  calleeSubscriber: introduces,
};

describe("what the first release has sent", () => {
  it("a request is read by the names of now", () => {
    expect(readEnvelope(written as unknown as Envelope)).toEqual(read);
  });

  it("an inquiry is read by the names of now", () => {
    const inquiry = { kind: "inquiry", transaction: "t", home: "h", caller: answerTo, isForgetful: true };
    const { isForgetful: dropsOnDisconnect, ...rest } = inquiry;
    expect(readEnvelope(inquiry as unknown as Envelope)).toEqual({ ...rest, dropsOnDisconnect });
  });

  it.each([
    ["direct", "dedicated"],
    ["leg", "shared"],
    ["dedicated", "dedicated"],
    ["shared", "shared"],
  ])("an opening that says %s is read as %s", (way, now) => {
    const visitor = { kind: "guest", name: "g" };
    expect(readOpening({ way, host: "h", address: "", visitor })).toEqual({ way: now, host: "h", address: "", nonSubscriber: visitor });
  });
});

/** An attachment of the first release, with something in each of its members. */
const attached = {
  id: "flowflow",
  way: "leg",
  host: "sip.example.com",
  address: "192.0.2.1",
  opened: 1,
  heard: true,
  wantsBinary: true,
  authenticated: { version: 1, since: 1, checked: 1 },
  presented: undefined,
  counts: [["nonce", 1]],
  guesses: 2,
  carried: [{ key: "k", phone: "phone", contact: "sip:a@b", callId: "c", cseq: 1, expires: 2 }],
  speaker: "phone",
  visitor: { kind: "guest", domain: "example.com", name: "g", domains: [], isTrusted: false },
  pending: [{ transaction: "t", home: "h", at: 1, isForgetful: true }],
  proceeding: [{ branch: "t.0", at: 1 }],
  taken: " t.0 ",
  dialogs: [{ name: "d", since: 1 }],
  sent: [{ key: "k", phone: "phone", at: 1, letter: written }],
  lists: { s: { version: 1, stamp: 1, cseq: 1, at: 1 } },
};
const flow = {
  version: 2,
  id: "flowflow",
  way: "shared",
  host: "sip.example.com",
  address: "192.0.2.1",
  opened: 1,
  hasValidMessage: true,
  wantsBinary: true,
  authenticated: attached.authenticated,
  unverifiedSubscriber: undefined,
  nonceCounts: attached.counts,
  failedAttempts: 2,
  boundContacts: attached.carried,
  unregisteredPhone: "phone",
  nonSubscriber: attached.visitor,
  pendingInvites: [{ transaction: "t", home: "h", at: 1, dropsOnDisconnect: true }],
  proceeding: attached.proceeding,
  confirmed: " t.0 ",
  activeCalls: attached.dialogs,
  sent: [{ key: "k", phone: "phone", at: 1, message: read }],
  listStates: attached.lists,
};

describe("an attachment", () => {
  it("of the first release is read by the names of now", () => {
    expect(restoreFlow(readAttachment(attached), {})).toEqual(flow);
  });

  it("of the first release names its parts in rows, and these are read by the names of now", () => {
    const { dialogs, pending, ...rest } = attached;
    const read = readAttachment({ ...rest, elsewhere: ["dialogs", "pending"] });
    expect(read.inRows).toEqual(["activeCalls", "pendingInvites"]);
    // The migration of the home has given the rows their new names.
    expect(restoreFlow(read, { activeCalls: dialogs, pendingInvites: pending })).toEqual(flow);
  });

  it("of this build is read as it was attached", () => {
    const now = flow as unknown as Flow;
    expect(restoreFlow(readAttachment({ ...attachmentOf(now, []) }), {})).toEqual(now);
    const { activeCalls, ...rest } = flow;
    const inRow = attachmentOf(now, ["activeCalls"]);
    expect(inRow).toEqual({ ...rest, inRows: ["activeCalls"] });
    expect(restoreFlow(readAttachment({ ...inRow }), { activeCalls })).toEqual(now);
  });
});
