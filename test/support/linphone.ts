import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DeskPhone, type DeskPhoneOptions, type Happening, Happenings } from "./desk-phone.ts";
import { end, freePort } from "./kamailio.ts";

/** Debian's package linphone-cli. */
export const hasLinphone = existsSync("/usr/bin/linphonec");

/** What linphonec writes, and what it means. */
const happenings: readonly (readonly [part: string, Happening])[] = [
  ["registered, identity=", "registered"],
  ["Receiving new incoming call", "rings"],
  [" ringing.", "hears ringing"],
  [" connected.", "talks"],
  [" has been paused by ", "is held"],
  [" is now paused.", "is answered"],
  ["Media streams established", "is resumed"],
  [" ended (", "has ended"],
];

/** A linphonec that is registered, without sound. It is told what to do on its standard input. */
export async function startLinphone({ account, port }: DeskPhoneOptions): Promise<DeskPhone> {
  const folder = await mkdtemp(join(tmpdir(), "offhook-linphone-"));
  await mkdir(join(folder, ".local/share/linphone"), { recursive: true });
  await writeFile(join(folder, "linphonerc"), configuration(account, port, await freePort()));
  const child = spawn("/usr/bin/linphonec", ["-c", join(folder, "linphonerc"), "-d", "0"], {
    stdio: ["pipe", "pipe", "ignore"],
    env: { ...process.env, HOME: folder },
  });
  const order = (command: string): void => void child.stdin.write(`${command}\n`);
  const heard = new Happenings();
  /** What it means that sound flows (again). */
  let resumed: Happening | undefined;
  let rest = "";
  child.stdout.on("data", (octets: Buffer) => {
    const lines = (rest + octets.toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      // It does not say when it has registered: it is asked until it has.
      if (line.includes("registered=")) setTimeout(order, 50, "status register");
      const what = happenings.find(([part]) => line.includes(part))?.[1];
      const paused = what === "is held" || what === "is answered" ? what : undefined;
      heard.add(line, what === "is resumed" ? resumed : what);
      if (paused !== undefined || what === "is resumed") resumed = paused === "is held" ? "is resumed" : paused;
    }
  });
  order("status register");
  const close = async (): Promise<void> => {
    await end(child);
    await rm(folder, { recursive: true, force: true });
  };
  await heard.next("registered").catch((error: unknown) => close().then(() => Promise.reject(error)));
  return {
    happens: (what) => heard.next(what),
    calls: (uri) => order(`call ${uri}`),
    answers: () => order("answer"),
    holds: () => order("pause"),
    resumes: () => order("resume"),
    hangsUp: () => order("terminate"),
    close,
  };
}

/** The server is its outbound proxy, besides the Service-Route that it learns. */
function configuration(account: string, port: number, own: number): string {
  return `[sip]
default_proxy=0
sip_port=0
sip_tcp_port=${own}
sip_tls_port=0
use_ipv6=0
[proxy_0]
reg_proxy=<sip:127.0.0.1:${port};transport=tcp>
reg_route=<sip:127.0.0.1:${port};transport=tcp;lr>
reg_identity=sip:${account}@localhost
reg_expires=600
reg_sendregister=1
publish=0
[auth_info_0]
username=${account}
userid=${account}
passwd=offhook
realm=localhost
`;
}
