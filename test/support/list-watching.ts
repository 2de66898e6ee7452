import { randomText } from "./compose.ts";
import type { SimulatedPhone } from "./simulated-phone.ts";
import { type ReceivedMessage, header } from "./received-message.ts";
import { type Watching, watch } from "./watching.ts";

/** What a phone has to say of itself that subscribes to a list (RFC 4662 §4.1, §4.3). */
export const listLines = ["Supported: eventlist", "Accept: application/pidf+xml, application/rlmi+xml, multipart/related"];

/** A resource as a notification shows it: `active open`, `pending`, `terminated rejected`, or `unknown`. */
export type PresentedCredentials = Readonly<Record<string, string>>;

export interface ListNotice {
  readonly version: number;
  readonly isFull: boolean;
  /** By URI. */
  readonly resources: PresentedCredentials;
  /** By Content-ID. */
  readonly parts: Readonly<Record<string, string>>;
}

/** Reads the body of a list's notification (RFC 4662 §5). Not with the server's own code, on purpose. */
export function readNotice(heard: Pick<ReceivedMessage, "body" | "headers">): ListNotice {
  const type = heard.headers.find(([name]) => name === "content-type")?.[1] ?? "";
  const boundary = /boundary="([^"]+)"/.exec(type)?.[1] ?? "";
  const start = /start="<([^"]+)>"/.exec(type)?.[1] ?? "";
  if (!/^multipart\/related;.*type="application\/rlmi\+xml"/.test(type) || boundary === "") throw new Error(`no list: ${type}`);
  const sections = heard.body.split(`--${boundary}`);
  if (sections.at(-1) !== "--\r\n") throw new Error("the multipart body has no end");
  const parts = Object.fromEntries(
    sections.slice(1, -1).map((section) => {
      const end = section.indexOf("\r\n\r\n");
      const id = /Content-ID: <([^>]+)>/.exec(section.slice(0, end))?.[1] ?? "";
      return [id, section.slice(end + 4)];
    }),
  );
  const rlmi = parts[start];
  if (rlmi === undefined) throw new Error("the root of the multipart body is missing");
  const resources = [...rlmi.matchAll(/<resource uri="([^"]+)">(.*?)<\/resource>/g)].map(([, uri = "", content = ""]) => [
    uri,
    shown(content, parts),
  ]);
  return {
    version: Number(/version="(\d+)"/.exec(rlmi.slice(rlmi.indexOf("<list")))?.[1]),
    isFull: rlmi.includes('fullState="true"'),
    resources: Object.fromEntries(resources) as PresentedCredentials,
    parts,
  };
}

function shown(content: string, parts: Readonly<Record<string, string>>): string {
  const instance = /<instance id="[^"]+" state="(\w+)"(?: reason="(\w+)")?(?: cid="([^"]+)")?\/>/.exec(content);
  if (instance === null) return "unknown";
  const [, state, reason, cid] = instance;
  const part = cid === undefined ? "" : parts[cid];
  if (part === undefined) throw new Error(`the part ${cid} is missing`);
  const basics = [...part.matchAll(/<(?:\w+:)?(?:basic|state)>(\w+)</g)].map(([, basic]) => basic);
  return [state, reason, ...basics].filter((word) => word !== undefined).join(" ");
}

/** What the watcher's phone knows by RFC 4662 §5.6 after all its notifications; undefined where one is missing. */
export function tableOf(notified: readonly ReceivedMessage[]): PresentedCredentials | undefined {
  let table: Record<string, string> = {};
  let version = -1;
  for (const notice of notified.map(readNotice)) {
    if (notice.version <= version) continue;
    if (!notice.isFull && notice.version !== version + 1) return undefined;
    table = notice.isFull ? { ...notice.resources } : { ...table, ...notice.resources };
    version = notice.version;
  }
  return table;
}

/** A phone subscribes to a list. */
export function watchList(desk: SimulatedPhone, uri: string, event = "presence", lines: readonly string[] = [], expires = 600): Watching {
  return watch(desk, uri, event, [...listLines, ...lines], expires);
}

/** A phone subscribes to a list that it brings along (RFC 5367). */
export function watchOwnList(desk: SimulatedPhone, uri: string, body: string, lines?: readonly string[]) {
  const own = ["Require: recipient-list-subscribe", "Content-Type: application/resource-lists+xml", "Content-Disposition: recipient-list"];
  const callId = randomText(6);
  const sent = desk.sends(
    "SUBSCRIBE",
    uri,
    [
      ...[`From: <${desk.aor}>;tag=${randomText(4)}`, `To: <${uri}>`, `Call-ID: ${callId}`, "CSeq: 1 SUBSCRIBE"],
      ...[`Contact: ${desk.contact}`, "Event: presence", "Expires: 600", ...listLines],
      ...(lines ?? own),
    ],
    body,
  );
  const notified = () => desk.all("NOTIFY").filter((one) => header(one, "call-id") === callId);
  return { status: () => sent.final, notified };
}

export function recipientList(...uris: readonly string[]): string {
  const entries = uris.map((uri) => `<entry uri="${uri}"/>`).join("");
  return `<?xml version="1.0" encoding="UTF-8"?><resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list>${entries}</list></resource-lists>`;
}
