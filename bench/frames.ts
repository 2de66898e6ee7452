import { offer } from "./messages.ts";

/**
 * The frames of the load, prepared so that the generator has next to nothing to do: Via, From, Call-ID and CSeq come first,
 * To last of what a response copies, and `Max-Forwards` ends it.
 */
export interface FromToHeader {
  readonly user: string;
  readonly host: string;
}

export function partyOf(user: string): FromToHeader {
  return { user, host: `${user}.invalid` };
}

/** A REGISTER that changes nothing but the CSeq. */
export function registerFrame(party: FromToHeader, cseq: number, authorization = ""): string {
  const { user, host } = party;
  return message(`REGISTER sip:localhost SIP/2.0`, [
    `Via: SIP/2.0/WSS ${host};branch=z9hG4bKr${cseq}`,
    `From: <sip:${user}@localhost>;tag=${user}`,
    `Call-ID: register-${user}`,
    `CSeq: ${cseq} REGISTER`,
    `To: <sip:${user}@localhost>`,
    "Max-Forwards: 69",
    `Contact: <sip:${user}@${host};transport=ws>;+sip.ice;reg-id=1;+sip.instance="<urn:uuid:8f1fa16a-1165-4a96-8341-785b1ef2${user.padStart(4, "0")}>";expires=600`,
    "Expires: 600",
    "Allow: INVITE,ACK,CANCEL,BYE,UPDATE,MESSAGE,OPTIONS,REFER,INFO,NOTIFY",
    "Supported: path,gruu,outbound",
    "User-Agent: JsSIP 3.13.8",
    ...(authorization === "" ? [] : [`Authorization: ${authorization}`]),
  ]);
}

/** A request outside a dialog. */
export function requestFrame(method: "MESSAGE" | "INVITE", from: FromToHeader, to: FromToHeader, serial: number): string {
  const lines = [
    ...startOf(method, from, serial, 1),
    `To: <sip:${to.user}@localhost>`,
    "Max-Forwards: 69",
    `Contact: <sip:${from.user}@${from.host};transport=ws;ob>`,
    "Allow: INVITE,ACK,CANCEL,BYE,UPDATE,MESSAGE,OPTIONS,REFER,INFO,NOTIFY",
    "Supported: timer,gruu,ice,replaces,outbound",
    "User-Agent: JsSIP 3.13.8",
  ];
  const [type, body] = method === "INVITE" ? ["application/sdp", offer] : ["text/plain", "How about lunch?"];
  return message(`${method} sip:${to.user}@localhost SIP/2.0`, [...lines, `Content-Type: ${type}`], body);
}

/** An ACK or BYE in the dialog which this 200 made. */
export function dialogFrame(method: "ACK" | "BYE", from: FromToHeader, to: FromToHeader, serial: number, answer: string): string {
  const route = between(answer, "Record-Route: ", "\r\n");
  return message(`${method} sip:${to.user}@${to.host};transport=ws SIP/2.0`, [
    ...startOf(method, from, serial, method === "ACK" ? 1 : 2),
    `To: <sip:${to.user}@localhost>;tag=${to.user}`,
    "Max-Forwards: 69",
    ...(route === "" ? [] : [`Route: ${route}`]),
    "User-Agent: JsSIP 3.13.8",
  ]);
}

/** The answer to a request that came: what stands before Max-Forwards, which is copied, with our tag behind the To. */
export function replyFrame(request: string, status: string, party: FromToHeader, body = ""): string {
  const copied = request.slice(request.indexOf("\r\n") + 2, request.indexOf("\r\nMax-Forwards"));
  const tag = request.includes(`;tag=${party.user}\r\n`) ? "" : `;tag=${party.user}`;
  return message(
    `SIP/2.0 ${status}`,
    [
      `${copied}${tag}`,
      `Contact: <sip:${party.user}@${party.host};transport=ws>`,
      "Supported: timer,gruu,ice,replaces,outbound",
      ...(body === "" ? [] : ["Content-Type: application/sdp"]),
    ],
    body,
  );
}

export function between(text: string, before: string, after: string): string {
  const at = text.indexOf(before);
  return at < 0 ? "" : text.slice(at + before.length, text.indexOf(after, at));
}

function startOf(method: string, from: FromToHeader, serial: number, cseq: number): string[] {
  return [
    `Via: SIP/2.0/WSS ${from.host};branch=z9hG4bK${method}${serial}`,
    `From: <sip:${from.user}@localhost>;tag=${from.user}`,
    `Call-ID: ${from.user}-${serial}`,
    `CSeq: ${cseq} ${method}`,
  ];
}

function message(startLine: string, lines: readonly string[], body = ""): string {
  return `${startLine}\r\n${lines.join("\r\n")}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}
