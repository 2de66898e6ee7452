import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { establish, hangUp } from "../support/call.ts";
import { startServerUnderTest } from "../support/server-under-test.ts";

const hasTshark = spawnSync("tshark", ["--version"]).status === 0;
const missing = hasTshark ? "" : ": Debian's package tshark is not here";

const serverUnderTest = await startServerUnderTest();
const folder = mkdtempSync(join(tmpdir(), "capture-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await serverUnderTest.close();
});

const api = (path: string) => serverUnderTest.server.api("GET", `/domains/localhost${path}`);

/** What Wireshark reads in a file. */
const read = (file: string, ...options: string[]): string =>
  execFileSync("tshark", ["-r", file, ...options], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });

describe.skipIf(!hasTshark)(`the capture file of a call${missing}`, () => {
  it("is read by Wireshark, which decodes each message and follows the call", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    const call = await establish(alice, bob);
    await hangUp(alice, call.callerSide, bob);
    const { callId } = call.callerSide;
    const idOf = async () => {
      const { calls } = (await (await api(`/calls?user=${alice.account}`)).json()) as { calls: { id: string; call_id: string }[] };
      return calls.find((one) => one.call_id === callId)?.id;
    };
    await expect.poll(idOf).toBeDefined();
    const capture = await (await api(`/calls/${await idOf()}/trace?format=pcapng`)).arrayBuffer();
    const file = join(folder, "call.pcapng");
    writeFileSync(file, new Uint8Array(capture));

    const fields = ["sip.Method", "sip.Status-Code", "sip.CSeq.method", "sip.Call-ID"].flatMap((field) => ["-e", field]);
    const messages = read(file, "-Y", "sip", "-T", "fields", ...fields)
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t"));
    expect(new Set(messages.map((message) => message[3]))).toEqual(new Set([callId]));
    const told = messages.map(([method, status, cseq]) => (method === "" ? `${status} ${cseq}` : method));
    // Each message is seen twice: on the connection of either phone. Only the caller is answered with 100.
    for (const message of ["INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"])
      expect([message, told.filter((one) => one === message).length]).toEqual([message, 2]);
    expect(told.indexOf("INVITE")).toBeLessThan(told.indexOf("200 INVITE"));
    const isOdd = read(file, "-Y", "_ws.malformed || !sip");
    expect(isOdd).toBe("");
    expect(read(file, "-q", "-z", "sip,stat")).toMatch(/INVITE\s+:\s+2 Packets/);
  });
});
