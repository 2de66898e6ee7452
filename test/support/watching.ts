import { randomText } from "./compose.ts";
import type { SimulatedPhone } from "./simulated-phone.ts";
import { type ReceivedMessage, header, headers } from "./received-message.ts";
import { applyPidfDiff, canonical } from "./patch.ts";

/** A subscription as its watcher's phone has it. */
export interface Watching {
  /** What the SUBSCRIBE, or the last one, was answered with; 0 while there is nothing. */
  readonly status: () => number;
  /** All notifications, oldest first. */
  readonly notified: () => readonly ReceivedMessage[];
  /** The newest one. */
  readonly last: () => ReceivedMessage;
  /** A SUBSCRIBE within the dialog; 0 ends the subscription. */
  readonly refresh: (expires: number, lines?: readonly string[], body?: string) => void;
  readonly callId: string;
}

/** A phone subscribes to an event package of somebody. */
export function watch(
  desk: SimulatedPhone,
  uri: string,
  event = "presence",
  lines: readonly string[] = [],
  expires: number | "none" = 600,
): Watching {
  const [callId, tag] = [randomText(6), randomText(4)];
  let cseq = 1;
  const shared = () => [
    `From: <${desk.aor}>;tag=${tag}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} SUBSCRIBE`,
    `Contact: ${desk.contact}`,
    `Event: ${event}`,
    ...(expires === "none" ? [] : [`Expires: ${expires}`]),
  ];
  let sent = desk.sends("SUBSCRIBE", uri, [...shared(), `To: <${uri}>`, ...lines]);
  const notified = () => desk.all("NOTIFY").filter((one) => header(one, "call-id") === callId);
  const last = () => {
    const newest = notified().at(-1);
    if (newest === undefined) throw new Error(`${desk.account} was not notified`);
    return newest;
  };
  const refresh = (seconds: number, more: readonly string[] = [], body = "") => {
    cseq += 1;
    const accepted = desk.heard.findLast((one) => one.status >= 200 && one.status < 300 && header(one, "call-id") === callId);
    const routes = accepted === undefined ? [] : headers(accepted, "record-route").reverse();
    const to = accepted === undefined ? header(last(), "from") : header(accepted, "to");
    const others = shared().filter((line) => !line.startsWith("Expires"));
    const lines = [...routes.map((route) => `Route: ${route}`), ...others, `To: ${to}`, `Expires: ${seconds}`, ...more];
    sent = desk.sends("SUBSCRIBE", uri, lines, body);
  };
  return { status: () => sent.final, notified, last, refresh, callId };
}

/** A phone publishes its user's presence, as PIDF if the lines have no type. */
export function publishes(desk: SimulatedPhone, body: string, lines: readonly string[] = []) {
  const isTyped = body === "" || lines.some((line) => line.startsWith("Content-Type"));
  const content = isTyped ? [] : ["Content-Type: application/pidf+xml"];
  return desk.sends(
    "PUBLISH",
    desk.aor,
    [
      `From: <${desk.aor}>;tag=${randomText(4)}`,
      `To: <${desk.aor}>`,
      `Call-ID: ${randomText(6)}`,
      "CSeq: 1 PUBLISH",
      "Event: presence",
      ...content,
      ...lines,
    ],
    body,
  );
}

/** A presence document with one service, and a person who is up to something (RFC 4480 §3.2) if it is said what. */
export function pidf(entity: string, basic: "open" | "closed", activity?: string, id = "t1"): string {
  const person =
    activity === undefined
      ? ""
      : `<dm:person xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" id="p-${id}"><r:activities xmlns:r="urn:ietf:params:xml:ns:pidf:rpid"><r:${activity}/></r:activities></dm:person>`;
  const tuple = `<tuple id="${id}"><status><basic>${basic}</basic></status></tuple>`;
  return `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="${entity}">${tuple}${person}</presence>`;
}

/** `open` or `closed`, of each service in a presence document. */
export function basics(heard: ReceivedMessage): string[] {
  return [...heard.body.matchAll(/<(?:\w+:)?basic>(\w+)</g)].map(([, basic]) => basic ?? "");
}

/**
 * What a watcher has made of partial documents (RFC 5263 §4.5), canonical: he starts with a full state, drops what is older than what he
 * has, and takes a diff only on top of the version before.
 */
export function assembled({ notified }: Watching): string {
  let [document, version] = ["", -1];
  for (const { body } of notified()) {
    const next = Number(/ version="(\d+)"/.exec(body)?.[1]);
    if (body === "" || next <= version) continue;
    if (body.includes("<p:pidf-full")) document = body.replaceAll("p:pidf-full", "presence").replace(/ version="\d+"/, "");
    else if (next === version + 1) document = applyPidfDiff(document, body);
    else throw new Error(`a diff of version ${next} on top of ${version}`);
    version = next;
  }
  return canonical(document);
}
