import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type Socket, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DeskPhone, type DeskPhoneOptions, type Happening, Happenings } from "./desk-phone.ts";
import { end, freePort, listens } from "./kamailio.ts";

/** Debian's package baresip-core. */
export const hasBaresip = existsSync("/usr/bin/baresip");

/** A baresip that is registered, without sound. It is told what to do, and says what happens, by its module ctrl_tcp. */
export async function startBaresip({ account, port }: DeskPhoneOptions): Promise<DeskPhone> {
  const folder = await mkdtemp(join(tmpdir(), "offhook-baresip-"));
  const control = await freePort();
  await writeFile(join(folder, "config"), configuration(control));
  for (const name of ["accounts", "contacts"]) await writeFile(join(folder, name), "");
  const child = spawn("/usr/bin/baresip", ["-4", "-f", folder], { stdio: "ignore", env: { ...process.env, HOME: folder } });
  const away = async (): Promise<void> => {
    await end(child);
    await rm(folder, { recursive: true, force: true });
  };
  await listens(control).catch((error: unknown) => away().then(() => Promise.reject(error)));
  const line = connect(control, "127.0.0.1");
  await once(line, "connect");
  const heard = new Happenings();
  const happened = reader();
  listen(line, (text) => heard.add(text, happened(JSON.parse(text) as Said)));
  const order = (command: string, params = ""): void => {
    const text = JSON.stringify({ command, params });
    line.write(`${text.length}:${text},`);
  };
  const outbound = `outbound="sip:127.0.0.1:${port};transport=tcp"`;
  order("uanew", `<sip:${account}@localhost>;auth_user=${account};auth_pass=offhook;regint=600;${outbound}`);
  const close = async (): Promise<void> => {
    line.destroy();
    await away();
  };
  await heard.next("registered").catch((error: unknown) => close().then(() => Promise.reject(error)));
  return {
    happens: (what) => heard.next(what),
    calls: (uri) => order("dial", uri),
    answers: () => order("accept"),
    holds: () => order("hold"),
    resumes: () => order("resume"),
    hangsUp: () => order("hangup"),
    close,
  };
}

/** A message of ctrl_tcp. */
interface Said {
  readonly event?: boolean;
  readonly type?: string;
  readonly param?: string;
}

const happenings: Readonly<Record<string, Happening>> = {
  REGISTER_OK: "registered",
  CALL_INCOMING: "rings",
  CALL_RINGING: "hears ringing",
  CALL_ESTABLISHED: "talks",
  CALL_CLOSED: "has ended",
};

/** What messages mean. An offer within a call puts it on hold and the next one takes it back: baresip does not say which it is. */
function reader(): (said: Said) => Happening | undefined {
  let offers: number | undefined;
  return ({ event, type = "", param }) => {
    if (event !== true) return undefined;
    if (type === "CALL_ESTABLISHED") offers = 0;
    if (type === "CALL_CLOSED") offers = undefined;
    if (type !== "CALL_REMOTE_SDP" || offers === undefined) return happenings[type];
    if (param === "answer") return "is answered";
    offers += 1;
    return offers % 2 === 1 ? "is held" : "is resumed";
  };
}

/** Cuts what comes into its messages, which are netstrings. */
function listen(line: Socket, heard: (text: string) => void): void {
  let rest = "";
  line.on("data", (octets) => {
    rest += octets.toString("latin1");
    for (let colon = rest.indexOf(":"); colon > 0; colon = rest.indexOf(":")) {
      const at = colon + 1 + Number(rest.slice(0, colon));
      if (rest.length < at + 1) return;
      heard(rest.slice(colon + 1, at));
      rest = rest.slice(at + 1);
    }
  });
}

function configuration(control: number): string {
  const lines = [
    "sip_listen 127.0.0.1:0",
    "net_interface 127.0.0.1",
    ...["audio_player", "audio_source", "audio_alert"].map((name) => `${name} aubridge,none`),
    `ctrl_tcp_listen 127.0.0.1:${control}`,
    "module_path /usr/lib/baresip/modules",
    ...["g711", "aubridge"].map((name) => `module ${name}.so`),
    "module_tmp uuid.so",
    ...["account", "contact", "menu", "ctrl_tcp"].map((name) => `module_app ${name}.so`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}
