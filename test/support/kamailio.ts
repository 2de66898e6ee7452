import { listenOnOwnPort } from "./own-port.ts";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { makeCertificates } from "./certificates.ts";
import { type SipServer, startSipServer } from "./sip-server.ts";
import { hasty } from "./hasty.ts";
import { patience } from "./patience.ts";

/** Whether the real servers are here: Debian's packages kamailio, kamailio-tls-modules and sip-tester. */
export const hasKamailio = ["/usr/sbin/kamailio", "/usr/bin/sipp", "/usr/bin/openssl"].every((path) => existsSync(path));

/** A Kamailio that passes calls on to SIPp, which answers them; those for `desk` to a telephone of the test. */
export interface Company {
  readonly desk: SipServer;
  readonly tcpPort: number;
  readonly tlsPort: number;
  /** Of the authority that has signed for `pbx.example`. */
  readonly authority: string;
  /** SIPp calls this number by the Kamailio, and hangs up after a while; resolves with whether all went well. */
  calls(number: string): Promise<boolean>;
  /** Ends the Kamailio and starts another one on the same ports, which knows nothing of what was. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function openCompany(): Promise<Company> {
  const folder = await mkdtemp(join(tmpdir(), "offhook-kamailio-"));
  const [tcpPort, tlsPort, sippPort] = [await freePort(), await freePort(), await freePort()];
  const desk = await startSipServer();
  makeCertificates(folder, "DNS:pbx.example");
  await writeFile(join(folder, "kamailio.cfg"), configuration(folder, { tcpPort, tlsPort, sippPort, deskPort: desk.port }));
  await writeFile(join(folder, "uas.xml"), answering);
  await writeFile(join(folder, "uac.xml"), calling);
  const kamailio = (): ChildProcess =>
    spawn("/usr/sbin/kamailio", ["-f", join(folder, "kamailio.cfg"), "-DD", "-E", "-w", folder, "-Y", folder, "-P", join(folder, "pid")], {
      stdio: "ignore",
    });
  const children = [
    spawn("/usr/bin/sipp", ["-sf", join(folder, "uas.xml"), "-t", "t1", "-i", "127.0.0.1", "-p", String(sippPort), "-nostdin"], {
      cwd: folder,
      stdio: "ignore",
      env: { ...process.env, TERM: "xterm" },
    }),
    kamailio(),
  ];
  await Promise.all([tcpPort, tlsPort, sippPort].map(listens));
  return {
    desk,
    tcpPort,
    tlsPort,
    authority: join(folder, "ca.pem"),
    calls: async (number) => {
      const parts = [
        "-sf",
        join(folder, "uac.xml"),
        "-t",
        "t1",
        "-i",
        "127.0.0.1",
        "-s",
        number,
        "-m",
        "1",
        "-timeout",
        `${patience / 1000}s`,
        "-nostdin",
      ];
      const caller = spawn("/usr/bin/sipp", [...parts, `127.0.0.1:${tcpPort}`], {
        cwd: folder,
        stdio: "ignore",
        env: { ...process.env, TERM: "xterm" },
      });
      const [code] = (await once(caller, "exit")) as [number | null];
      return code === 0;
    },
    restart: async () => {
      const running = children.pop();
      if (running !== undefined) await end(running);
      children.push(kamailio());
      await Promise.all([tcpPort, tlsPort].map(listens));
    },
    close: async () => {
      desk.close();
      await Promise.all(children.map(end));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Ports {
  readonly tcpPort: number;
  readonly tlsPort: number;
  readonly sippPort: number;
  readonly deskPort: number;
}

function configuration(folder: string, { tcpPort, tlsPort, sippPort, deskPort }: Ports): string {
  const modules = ["tm", "sl", "rr", "pv", "siputils", "textops", "tls", "usrloc", "registrar", "auth"].map(
    (name) => `loadmodule "${name}.so"`,
  );
  return `#!KAMAILIO
children=1
tcp_children=1
auto_aliases=no
tcp_accept_aliases=yes
enable_tls=yes
listen=tcp:127.0.0.1:${tcpPort}
listen=tls:127.0.0.1:${tlsPort}
${modules.join("\n")}
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "private_key", "${folder}/server.key")
modparam("tls", "certificate", "${folder}/server.pem")
request_route {
  if (is_method("OPTIONS") && $rU == $null) { sl_send_reply("200", "OK"); exit; }
  if (is_method("REGISTER")) {
    if (!pv_www_authenticate("pbx.example", "secret", "0")) { www_challenge("pbx.example", "1"); exit; }
    save("location");
    exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  if (has_totag()) { if (loose_route()) t_relay(); else if (is_method("ACK") && t_check_trans()) t_relay(); exit; }
  if (is_method("INVITE")) record_route();
  if ($rU == "busy") { sl_send_reply("486", "Busy Here"); exit; }
  if ($rU == "4930555") { if (!lookup("location")) sl_send_reply("404", "Not Found"); else t_relay(); exit; }
  if ($rU == "desk") $du = "sip:127.0.0.1:${deskPort};transport=tcp";
  else $du = "sip:127.0.0.1:${sippPort};transport=tcp";
  t_relay();
}
`;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await listenOnOwnPort(server);
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

export async function listens(port: number): Promise<void> {
  for (const deadline = AbortSignal.timeout(patience); !deadline.aborted;) {
    const socket = connect(port, "127.0.0.1");
    const isThere = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
    socket.destroy();
    if (isThere) return;
    await new Promise((resume) => setTimeout(resume, 100));
  }
  throw new Error(`nobody listens on port ${port}`);
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}

const copied = "[last_Via:]\n[last_From:]\n[last_To:];tag=[pid]SIPp[call_number]\n[last_Call-ID:]\n[last_CSeq:]\n[last_Record-Route:]";
const contact = "Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>";

/** SIPp answers every call, and hangs up itself if nobody else does so in time. */
const answering = `<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="answering">
  <recv request="INVITE" crlf="true" rrs="true">
    <action>
      <ereg regexp=".*" search_in="hdr" header="From:" assign_to="1"/>
      <ereg regexp=".*" search_in="hdr" header="To:" assign_to="2"/>
    </action>
  </recv>
  <send><![CDATA[
SIP/2.0 180 Ringing
${copied}
${contact}
Content-Length: 0

]]></send>
  <send retrans="500"><![CDATA[
SIP/2.0 200 OK
${copied}
${contact}
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
]]></send>
  <recv request="ACK" rrs="true"/>
  <recv request="BYE" timeout="${Number(hasty) * 1000}" ontimeout="hangup"/>
  <send next="end"><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
  <label id="hangup"/>
  <send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[routes]
From:[$2];tag=[pid]SIPp[call_number]
To:[$1]
Call-ID: [call_id]
CSeq: 1 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
  <recv response="200"/>
  <label id="end"/>
</scenario>
`;

const dialogLines = (cseq: string): string => `Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[routes]
From: <sip:sipp@[local_ip]:[local_port]>;tag=[pid]caller[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: ${cseq}
Max-Forwards: 70
Content-Length: 0
`;

/** SIPp calls somebody, talks for a moment, and hangs up. */
const calling = `<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="calling">
  <send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:sipp@[local_ip]:[local_port]>;tag=[pid]caller[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
${contact}
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="200" rrs="true"/>
  <send><![CDATA[
ACK [next_url] SIP/2.0
${dialogLines("1 ACK")}
]]></send>
  <pause milliseconds="300"/>
  <send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
${dialogLines("2 BYE")}
]]></send>
  <recv response="200"/>
</scenario>
`;
