import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { type Socket, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DeskPhone, type DeskPhoneOptions, type Happening, Happenings } from "./desk-phone.ts";
import { end, freePort, listens } from "./kamailio.ts";

/** Debian's package baresip-core. */
export const hasBaresip = existsSync("/usr/bin/baresip");

/** A baresip that is registered, without sound. It is told what to do, and says what happens, by its module ctrl_tcp. */
export async function startBaresip({ account, port }: DeskPhoneOptions): Promise<DeskPhone> {
  const outbound = `outbound="sip:127.0.0.1:${port};transport=tcp"`;
  const { phone, heard } = await start("127.0.0.1:0", {
    account: `<sip:${account}@localhost>;auth_user=${account};auth_pass=offhook;regint=600;${outbound}`,
    sound: [...["audio_player", "audio_source", "audio_alert"].map((name) => `${name} aubridge,none`), "module aubridge.so"],
  });
  await heard.next("registered").catch((error: unknown) => phone.close().then(() => Promise.reject(error)));
  return phone;
}

/** A telephone that is the server of a trunk: calls for its number arrive at its port. It says a tone, and records what it hears. */
export interface Telephone extends DeskPhone {
  readonly port: number;
  readonly number: string;
  /** How loud the last second is that it has heard, 0 to 1. */
  loudness(): Promise<number>;
  /** Calls over the connection that the server of the other side has made to it. */
  callsBack(user: string): Promise<void>;
  /** A DTMF event. */
  presses(key: string): void;
  /** All that it has said of itself. */
  readonly said: readonly string[];
}

/** @param encryption of its media: none, or SRTP with keys in the session description */
/** @param certificates the folder of `makeCertificates`: it speaks TLS; absent: TCP */
export async function startTelephone(number: string, encryption: "rtp" | "srtp-sdes" = "rtp", certificates?: string): Promise<Telephone> {
  const plain = await freePort();
  // baresip takes the next port too, for TLS.
  await freePort();
  const media = encryption === "rtp" ? "" : ";mediaenc=srtp-mand";
  const [port, transport] = certificates === undefined ? [plain, "tcp"] : [plain + 1, "tls"];
  if (certificates !== undefined) await joined(certificates);
  const { phone, order, folder, said } = await start(`127.0.0.1:${plain}`, {
    account: `<sip:${number}@127.0.0.1:${port};transport=${transport}>;regint=0;answermode=manual${media}`,
    sound: [
      ...(certificates === undefined ? [] : [`sip_certificate ${certificates}/both.pem`]),
      ...["audio_source aufile,HERE/tone.wav", "audio_player aubridge,none", "audio_alert aubridge,none", "snd_path HERE"],
      ...["module aufile.so", "module aubridge.so", "module srtp.so", "module sndfile.so"],
    ],
  });
  return {
    ...phone,
    port,
    number,
    said,
    presses: (key) => order("sndcode", key),
    callsBack: async (user) => phone.calls(`sip:${user}@127.0.0.1:${await peerOf(port)}`),
    loudness: async () => {
      const heard = (await readdir(folder))
        .filter((name) => name.endsWith("dec.wav"))
        .sort()
        .at(-1);
      return heard === undefined ? 0 : loudnessOf(await readFile(join(folder, heard)));
    },
  };
}

/** The port of who is connected to a port of this machine. */
async function peerOf(port: number): Promise<number> {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"])
    for (const line of (await readFile(table, "latin1")).split("\n")) {
      const [, own, peer, state] = line.trim().split(/\s+/);
      if (own?.endsWith(`:${wanted}`) === true && state === "01") return Number.parseInt(peer?.split(":")[1] ?? "", 16);
    }
  throw new Error(`there is no connection to port ${port}`);
}

/** baresip reads the certificate and its key from one file. */
async function joined(folder: string): Promise<void> {
  const parts = await Promise.all(["server.pem", "server.key"].map((name) => readFile(join(folder, name))));
  await writeFile(join(folder, "both.pem"), Buffer.concat(parts));
}

/** Of the last second of a file of 8,000 samples a second, 16 bits each. */
function loudnessOf(file: Buffer): number {
  const samples = Math.min(8000, Math.floor((file.length - 44) / 2));
  let sum = 0;
  for (let index = 1; index <= samples; index += 1) sum += (file.readInt16LE(file.length - (file.length % 2) - 2 * index) / 32_768) ** 2;
  return samples <= 0 ? 0 : Math.sqrt(sum / samples);
}

/** A minute of a tone of 440 Hz, as a file of 8,000 samples a second. */
function tone(): Buffer {
  const samples = 60 * 8000;
  const file = Buffer.alloc(44 + 2 * samples);
  file.write("RIFF", 0, "latin1");
  file.writeUInt32LE(36 + 2 * samples, 4);
  file.write("WAVEfmt ", 8, "latin1");
  for (const [at, value] of [
    [16, 16],
    [24, 8000],
    [28, 16_000],
    [40, 2 * samples],
  ] as const)
    file.writeUInt32LE(value, at);
  for (const [at, value] of [
    [20, 1],
    [22, 1],
    [32, 2],
    [34, 16],
  ] as const)
    file.writeUInt16LE(value, at);
  file.write("data", 36, "latin1");
  for (let index = 0; index < samples; index += 1)
    file.writeInt16LE(Math.round(8000 * Math.sin((2 * Math.PI * 440 * index) / 8000)), 44 + 2 * index);
  return file;
}

interface Started {
  readonly phone: DeskPhone;
  readonly heard: Happenings;
  readonly folder: string;
  readonly said: readonly string[];
  order(command: string, params?: string): void;
}

async function start(
  listen: string,
  { account, sound }: { readonly account: string; readonly sound: readonly string[] },
): Promise<Started> {
  const folder = await mkdtemp(join(tmpdir(), "offhook-baresip-"));
  const control = await freePort();
  await writeFile(join(folder, "config"), configuration(listen, control, sound).replaceAll("HERE", folder));
  for (const name of ["accounts", "contacts"]) await writeFile(join(folder, name), "");
  await writeFile(join(folder, "tone.wav"), tone());
  const child = spawn("/usr/bin/baresip", ["-4", "-f", folder], { stdio: "ignore", env: { ...process.env, HOME: folder } });
  const away = async (): Promise<void> => {
    await end(child);
    await rm(folder, { recursive: true, force: true });
  };
  await listens(control).catch((error: unknown) => away().then(() => Promise.reject(error)));
  const line = connect(control, "127.0.0.1");
  await once(line, "connect");
  const heard = new Happenings();
  const said: string[] = [];
  const happened = reader();
  listenTo(line, (text) => {
    said.push(text);
    heard.add(text, happened(JSON.parse(text) as Said));
  });
  const order = (command: string, params = ""): void => {
    const text = JSON.stringify({ command, params });
    line.write(`${text.length}:${text},`);
  };
  order("uanew", account);
  const phone: DeskPhone = {
    happens: (what) => heard.next(what),
    calls: (uri) => order("dial", uri),
    answers: () => order("accept"),
    holds: () => order("hold"),
    resumes: () => order("resume"),
    hangsUp: () => order("hangup"),
    close: async () => {
      line.destroy();
      await away();
    },
  };
  return { phone, heard, folder, said, order };
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
function listenTo(line: Socket, heard: (text: string) => void): void {
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

function configuration(listen: string, control: number, sound: readonly string[]): string {
  const lines = [
    `sip_listen ${listen}`,
    "net_interface 127.0.0.1",
    `ctrl_tcp_listen 127.0.0.1:${control}`,
    "module_path /usr/lib/baresip/modules",
    "module g711.so",
    ...sound,
    "module_tmp uuid.so",
    ...["account", "contact", "menu", "ctrl_tcp"].map((name) => `module_app ${name}.so`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}
