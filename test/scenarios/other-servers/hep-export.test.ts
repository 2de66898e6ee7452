import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { clientEnd } from "../../../lib/capture-end.ts";
import { readConfiguration } from "../../../platform/configuration.ts";
import { HepExport, type HepStanding } from "../../../platform/hep-export.ts";
import type { HepServer } from "../../../platform/hep-server.ts";
import type { OpenTcp } from "../../../platform/tcp.ts";
import { type HepPacket, readHepPackets } from "../../support/hep-packets.ts";

const begin = Date.UTC(2026, 0, 1);
const server = readConfiguration({ HEP_SERVER: "hep:homer.example.com", HEP_PASSWORD: "geheim" }).hep as HepServer;
const seenOn = (flow: string) => ({ other: clientEnd(flow), isUnauthenticated: flow === "stranger" });

beforeEach(() => {
  vi.useFakeTimers({ now: begin });
  vi.spyOn(console, "error").mockReturnValue(undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A HEP server, and an object that exports to it. */
function exporting(standing: HepStanding = { pausedUntil: 0, loggedAt: 0, lost: 0 }) {
  const known = {
    state: "reads" as "reads" | "refuses" | "is silent" | "stalls",
    opened: 0,
    closed: 0,
    writes: [] as Buffer[],
    closing: () => undefined as void,
  };
  const open = async (): Promise<OpenTcp> => {
    known.opened += 1;
    if (known.state === "refuses") throw new Error("refused");
    if (known.state === "is silent") return new Promise((_, reject) => setTimeout(() => reject(new Error("did not answer")), 3000));
    await Promise.resolve();
    const write = (octets: Uint8Array) =>
      known.state === "stalls" ? new Promise<void>(() => undefined) : void known.writes.push(Buffer.from(octets));
    const close = () => known.closing();
    const socket = { writable: new WritableStream<Uint8Array>({ write, close }), close: async () => void (known.closed += 1) };
    return { socket: socket as unknown as Socket, localAddress: undefined };
  };
  const to = new HepExport(server, standing, open);
  const keep = (text: string, flow = "phone", direction: "in" | "out" | "note" = "in") =>
    to.keep({ at: Date.now(), direction, flow, text }, seenOn);
  return { known, keep, standing };
}

const settled = () => vi.advanceTimersByTimeAsync(0);
const packetsOf = (writes: readonly Buffer[]): readonly HepPacket[] => readHepPackets(Buffer.concat(writes)).packets;
const message = (number: number) => `OPTIONS sip:a@b SIP/2.0\r\nCall-ID: call${number}\r\nCSeq: ${number} OPTIONS\r\n\r\n`;

describe("messages for a HEP server", () => {
  it("of one event go in one write, in their order, and the connection is closed afterwards", async () => {
    const { known, keep } = exporting();
    keep(message(1));
    keep(message(2), "phone", "out");
    keep(message(3), "other", "out");
    await settled();
    expect([known.opened, known.closed, known.writes.length]).toEqual([1, 1, 1]);
    const packets = packetsOf(known.writes);
    expect(packets.map(({ rcinfo }) => rcinfo.correlation_id)).toEqual(["call1", "call2", "call3"]);
    const [first, second] = packets.map(({ rcinfo }) => rcinfo);
    expect([first?.srcIp, first?.dstIp]).toEqual([second?.dstIp, second?.srcIp]);
    expect(packets.map(({ rcinfo }) => rcinfo.timeUseconds)).toEqual([0, 1, 2]);
    keep(message(4));
    await settled();
    expect([known.opened, known.closed, known.writes.length]).toEqual([2, 2, 2]);
  });

  it("that come while the connection is closed go on another one", async () => {
    const { known, keep } = exporting();
    known.closing = () => {
      known.closing = () => undefined;
      keep(message(2));
    };
    keep(message(1));
    await settled();
    expect(packetsOf(known.writes).map(({ rcinfo }) => rcinfo.correlation_id)).toEqual(["call1", "call2"]);
    expect([known.opened, known.closed]).toEqual([2, 2]);
  });

  it("have no credentials, no keys of the media, and no bodies but SDP", async () => {
    const { known, keep } = exporting();
    keep(
      'INVITE sip:a:geheim2@b SIP/2.0\r\ni: x\r\nAuthorization: Digest response="f00"\r\nc: application/sdp\r\n\r\na=ice-pwd:secret\r\n',
    );
    keep("MESSAGE sip:a@b SIP/2.0\r\ni: x\r\nc: text/plain\r\n\r\nprivate");
    await settled();
    const all = packetsOf(known.writes).map(({ payload }) => payload);
    expect(all.join()).not.toMatch(/geheim|f00|secret|private/);
    expect(packetsOf(known.writes).map(({ rcinfo }) => [rcinfo.correlation_id, rcinfo.capturePass])).toEqual([
      ["x", "geheim"],
      ["x", "geheim"],
    ]);
  });

  it("are not notes, and not what goes to another object, which exports it too", async () => {
    const { known, keep } = exporting();
    keep("closed with 1006", "phone", "note");
    keep(message(1), "-", "out");
    await settled();
    expect(known.opened).toBe(0);
  });

  it("are lost if it cannot be reached: nothing is tried for ten seconds, by no object, and a line a minute tells how many", async () => {
    const { known, keep, standing } = exporting();
    const other = exporting(standing);
    known.state = "refuses";
    for (let seconds = 0; seconds < 120; seconds += 1) {
      keep(message(seconds));
      await settled();
      other.keep(message(seconds));
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect([known.opened, other.known.opened]).toEqual([12, 0]);
    const lines = vi.mocked(console.error).mock.calls.map(([line]) => JSON.parse(line as string) as { lost: number });
    expect(lines.map(({ lost }) => lost)).toEqual([1, 120]);
    known.state = "reads";
    await vi.advanceTimersByTimeAsync(10_000);
    keep(message(1));
    await settled();
    expect(known.writes.length).toBe(1);
  });

  it.each(["is silent", "stalls"] as const)("keep the object awake for three seconds at most if it %s", async (state) => {
    const { known, keep } = exporting();
    known.state = state;
    keep(message(1));
    await vi.advanceTimersByTimeAsync(3001);
    expect([vi.getTimerCount(), known.closed]).toEqual([0, state === "stalls" ? 1 : 0]);
    const [[line] = []] = vi.mocked(console.error).mock.calls;
    expect(JSON.parse(line as string)).toMatchObject({ lost: 1 });
    expect(console.error).toHaveBeenCalledTimes(1);
  });

  it("are 200 at most, and 256 KiB, while it is slow", async () => {
    const { known, keep, standing } = exporting();
    for (let count = 0; count < 250; count += 1) keep(message(count));
    await settled();
    expect([packetsOf(known.writes).length, standing.lost]).toEqual([200, 50]);
    known.writes.length = 0;
    for (let count = 0; count < 5; count += 1) keep(`${message(count)}${"x".repeat(60_000)}`);
    await settled();
    expect([packetsOf(known.writes).length, standing.lost]).toEqual([4, 51]);
  });

  it("of clients that have not authenticated are 60, and one a second after that", async () => {
    const { known, keep } = exporting();
    for (let count = 0; count < 100; count += 1) keep(message(count), "stranger");
    keep(message(1));
    await settled();
    expect(packetsOf(known.writes).length).toBe(61);
    await vi.advanceTimersByTimeAsync(2000);
    for (let count = 0; count < 100; count += 1) keep(message(count), "stranger");
    await settled();
    expect(packetsOf(known.writes).length).toBe(63);
  });
});

describe("the setting HEP_SERVER", () => {
  it.each([
    ["hep:homer.example.com", { hostname: "homer.example.com", port: 9060, certified: undefined }],
    ["hep:192.0.2.7:9061", { hostname: "192.0.2.7", port: 9061, certified: undefined }],
    ["heps:homer.example.com:443", { hostname: "homer.example.com", port: 443, certified: "homer.example.com" }],
    ["HEPS:[2001:db8::7]:9061", { hostname: "[2001:db8::7]", port: 9061, certified: "2001:db8::7" }],
  ])("may be %s", (HEP_SERVER, expected) => {
    expect(readConfiguration({ HEP_SERVER }).hep).toEqual({ ...expected, captureId: 2001, password: undefined });
  });

  it.each(["homer.example.com:9060", "hep:", "hep:a:0", "hep:a:65536", "hep://a:1", "hep:[::zz]:1", "hep:a:1;transport=udp", "http:a:1"])(
    "may not be %s",
    (HEP_SERVER) => {
      expect(() => readConfiguration({ HEP_SERVER })).toThrow(/HEP_SERVER/);
    },
  );

  it("is off if absent, whatever the others are; the password has an end", () => {
    expect(readConfiguration({ HEP_PASSWORD: "geheim", HEP_CAPTURE_ID: "7" }).hep).toBeUndefined();
    expect(() => readConfiguration({ HEP_SERVER: "hep:a", HEP_PASSWORD: "x".repeat(1025) })).toThrow(/HEP_PASSWORD/);
  });
});
