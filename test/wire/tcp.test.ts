import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compose, newBranch } from "../support/compose.ts";
import { header, headers } from "../support/received-message.ts";
import { freePort } from "../support/kamailio.ts";
import { openTcpLine, registerTcpPhone } from "../support/tcp-phone.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { patience } from "../support/patience.ts";

/** SIP over TCP, under local development only. */
let serverUnderTest: ServerUnderTest;
let port: number;
beforeAll(async () => {
  port = await freePort();
  serverUnderTest = await startServerUnderTest({ sipPort: port });
});
afterAll(() => serverUnderTest.close());

const wired = () => openTcpLine(port);
const deskPhone = (account: string) => registerTcpPhone(account, port);

describe("a desk phone on TCP", () => {
  it("registers, and is told where it is seen (RFC 3581 §4)", async () => {
    const { challenge, registered, localPort, socket } = await deskPhone(await serverUnderTest.newcomer("desk"));
    expect(registered.status).toBe(200);
    expect(header(challenge, "via")).toContain(`;rport=${localPort};received=127.0.0.1`);
    socket.destroy();
  });

  it("is called by a phone on a WebSocket, and hangs up along its route", async () => {
    const account = await serverUnderTest.newcomer("desk");
    const { next, send, localPort, socket } = await deskPhone(account);
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const sent = alice.request("INVITE", `sip:${account}@localhost`);
    const invite = await next(({ method }) => method === "INVITE");
    expect([header(invite, "via"), header(invite, "record-route"), header(invite, "content-length")]).toEqual([
      expect.stringMatching(/^SIP\/2\.0\/TCP /),
      expect.stringContaining(";transport=tcp;lr>"),
      "0",
    ]);
    const copied = [
      ...headers(invite, "via").map((value) => `Via: ${value}`),
      ...["from", "call-id", "cseq"].map((name) => `${name}: ${header(invite, name)}`),
    ];
    const routes = headers(invite, "record-route");
    const contact = `Contact: <sip:${account}@127.0.0.1:${localPort};transport=tcp>`;
    send(
      compose("SIP/2.0 200 OK", [
        ...copied,
        `To: ${header(invite, "to")};tag=desk`,
        ...routes.map((one) => `Record-Route: ${one}`),
        contact,
      ]),
    );
    const answer = await alice.finalResponse(sent);
    expect(answer.status).toBe(200);
    send(
      compose(`BYE sip:${alice.account}@${alice.host};transport=ws SIP/2.0`, [
        `Via: SIP/2.0/TCP 127.0.0.1:${localPort};branch=${newBranch()}`,
        "Max-Forwards: 70",
        ...routes.map((one) => `Route: ${one}`),
        `From: ${header(invite, "to")};tag=desk`,
        `To: ${header(invite, "from")}`,
        `Call-ID: ${header(invite, "call-id")}`,
        "CSeq: 1 BYE",
      ]),
    );
    alice.reply(await alice.next("BYE"), 200);
    expect((await next(({ status }) => status === 200)).status).toBe(200);
    socket.destroy();
  });

  it("may send two messages at once, and one in pieces (RFC 3261 §18.3)", async () => {
    const line = await wired();
    const options = (callId: string) =>
      compose("OPTIONS sip:localhost SIP/2.0", [
        `Via: SIP/2.0/TCP 127.0.0.1:${line.socket.localPort};branch=${newBranch()}`,
        "Max-Forwards: 70",
        "From: <sip:desk@localhost>;tag=desk",
        "To: <sip:localhost>",
        `Call-ID: ${callId}`,
        "CSeq: 1 OPTIONS",
      ]);
    const third = options("three");
    line.send(options("one") + options("two") + third.slice(0, 50));
    for (const callId of ["one", "two"]) await line.next((message) => header(message, "call-id") === callId);
    line.send(third.slice(50));
    expect((await line.next((message) => header(message, "call-id") === "three")).status).toBeGreaterThan(0);
    line.socket.destroy();
  });

  it("that leaves Content-Length out is answered with 400, and loses its connection (§20.14)", async () => {
    const line = await wired();
    const lines = [
      "OPTIONS sip:localhost SIP/2.0",
      `Via: SIP/2.0/TCP 127.0.0.1:${line.socket.localPort};branch=${newBranch()}`,
      "From: <sip:desk@localhost>;tag=desk",
      "To: <sip:localhost>",
      "Call-ID: short",
      "CSeq: 1 OPTIONS",
    ];
    line.send(`${lines.join("\r\n")}\r\n\r\n`);
    expect((await line.next((message) => header(message, "call-id") === "short")).status).toBe(400);
    await line.closed;
  });

  it("that sends rubbish loses its connection, and nobody else does", async () => {
    const line = await wired();
    line.send("x".repeat(200_000));
    await line.closed;
    const { registered, socket } = await deskPhone(await serverUnderTest.newcomer("desk"));
    expect(registered.status).toBe(200);
    socket.destroy();
  });
});

describe.skipIf(!existsSync("/usr/bin/sipp"))("SIPp", () => {
  it("registers over TCP with its own digest", async () => {
    const account = await serverUnderTest.newcomer("sipp");
    const folder = await mkdtemp(join(tmpdir(), "offhook-sipp-"));
    await writeFile(join(folder, "register.xml"), registering);
    const parts = [
      "-sf",
      join(folder, "register.xml"),
      "-t",
      "t1",
      "-i",
      "127.0.0.1",
      "-s",
      account,
      "-au",
      account,
      "-ap",
      "offhook",
      "-auth_uri",
      "localhost",
    ];
    const sipp = spawn("/usr/bin/sipp", [...parts, "-m", "1", "-timeout", `${patience / 1000}s`, "-nostdin", `127.0.0.1:${port}`], {
      cwd: folder,
      stdio: "ignore",
      env: { ...process.env, TERM: "xterm" },
    });
    const [code] = (await once(sipp, "exit")) as [number | null];
    await rm(folder, { recursive: true, force: true });
    expect(code).toBe(0);
  });
});

const shared = `Max-Forwards: 70
      From: <sip:[service]@localhost>;tag=[call_number]
      To: <sip:[service]@localhost>
      Call-ID: [call_id]
      Contact: <sip:[service]@[local_ip]:[local_port];transport=tcp>
      Expires: 60
      Content-Length: 0`;
const registering = `<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="registering">
  <send><![CDATA[
      REGISTER sip:localhost SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      CSeq: 1 REGISTER
      ${shared}

    ]]></send>
  <recv response="401" auth="true"/>
  <send><![CDATA[
      REGISTER sip:localhost SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      CSeq: 2 REGISTER
      [authentication]
      ${shared}

    ]]></send>
  <recv response="200"/>
</scenario>
`;
