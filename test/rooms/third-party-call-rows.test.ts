import { describe, expect, it } from "vitest";
import type { Room } from "../../durable-objects/address-of-record/room.ts";
import { ThirdPartyCallRows } from "../../durable-objects/address-of-record/third-party-call-rows.ts";
import { type Transfer, TransferRows } from "../../durable-objects/address-of-record/transfer-rows.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import type { CallDetails } from "../../lib/transport/flow.ts";

const memory = { all: () => [], run: () => undefined };
const home = { name: "sip:alice@localhost#1" };
const room = { memory, home, alarm: { noLaterThan: () => undefined }, keyring: undefined } as unknown as Room;
const bob = "sip:bob@localhost#1";
const end = (local: string, far: string): CallDetails => {
  return {
    callId: "c",
    localTag: local,
    remoteTag: local === "a" ? "b" : "a",
    remote: "",
    target: "",
    isCaller: true,
    far: { home: far, phone: "p" },
  };
};
const headers = (fromTag: string, toTag: string) =>
  ({ callId: "c", fromTag, toTag, cseq: { number: 1, method: "BYE" } }) as unknown as MandatoryHeaders;
const from = (name: string) => ({ home: name, flow: "", phone: "p" });

describe("the dialogs that the server holds together", () => {
  it("are those of their ends alone, whoever else knows their Call-ID and tags", () => {
    const rows = new ThirdPartyCallRows(room);
    const user = { callId: "c", tag: "a", transaction: "t", details: end("a", bob) };
    rows.keep({ id: "1", target: "sip:bob@localhost", since: 0, due: 0, user });
    expect(rows.find(headers("b", "a"), from(bob))?.side).toBe("user");
    expect(rows.find(headers("b", "a"), from("sip:mallory@localhost#1"))).toBeUndefined();
  });

  it("are those of their ends alone while they are transferred", () => {
    const rows = new TransferRows(room);
    const user = { callId: "c", tag: "a", transaction: "t", details: end("a", bob) };
    const transfer: Transfer = { id: "1", target: "", since: 0, due: 0, cseq: 1, lines: [], user, other: user, own: end("b", home.name) };
    rows.keep(transfer);
    expect(rows.find(headers("a", "b"), from(home.name))?.isOwn).toBe(true);
    expect(rows.find(headers("b", "a"), from(bob))?.isOwn).toBe(false);
    for (const request of [headers("a", "b"), headers("b", "a")])
      expect(rows.find(request, from("sip:mallory@localhost#1"))).toBeUndefined();
  });
});
