import { describe, expect, it } from "vitest";
import { clientEnd } from "../../../lib/capture-end.ts";
import { capture } from "../../../workers/api/pcapng.ts";

const at = Date.UTC(2026, 0, 1);
const message = (direction: "in" | "out" | "note", flow: string, text: string) => ({
  at,
  direction,
  flow,
  text,
});

/** The blocks of a file: kind and content. */
function blocksOf(file: ArrayBuffer): { readonly kind: number; readonly content: Uint8Array }[] {
  const view = new DataView(file);
  const blocks: { kind: number; content: Uint8Array }[] = [];
  for (let place = 0; place < file.byteLength;) {
    const [kind, length] = [view.getUint32(place, true), view.getUint32(place + 4, true)];
    expect([length % 4, view.getUint32(place + length - 4, true)]).toEqual([0, length]);
    blocks.push({ kind, content: new Uint8Array(file, place + 8, length - 12) });
    place += length;
  }
  return blocks;
}

describe("a capture file", () => {
  it("has a header, an interface, and a packet for each message on a connection", () => {
    const file = capture([
      message("in", "a", "INVITE é"),
      message("out", "b", "x"),
      message("note", "a", "closed"),
      message("out", "-", "y"),
    ]);
    const [header, device, ...packets] = blocksOf(file);
    expect([header?.kind, device?.kind, packets.map(({ kind }) => kind)]).toEqual([0x0a0d0d0a, 1, [6, 6]]);
    const [first, second] = packets.map(({ content }) => Buffer.from(content).toString("latin1"));
    expect(first).toContain("sip\0");
    expect(Buffer.from(first ?? "", "latin1").toString("utf8")).toContain("INVITE é");
    const addressOf = (flow: string) => Buffer.from(clientEnd(flow).address).toString("latin1");
    expect([first?.includes(addressOf("a")), second?.includes(addressOf("b"))]).toEqual([true, true]);
    expect(addressOf("a")).not.toBe(addressOf("b"));
  });

  it("has the time of each message in microseconds", () => {
    const [, , packet] = blocksOf(capture([message("in", "a", "x")]));
    const view = new DataView(packet?.content.buffer as ArrayBuffer, packet?.content.byteOffset);
    expect((BigInt(view.getUint32(4, true)) << 32n) + BigInt(view.getUint32(8, true))).toBe(BigInt(at) * 1000n);
  });
});
