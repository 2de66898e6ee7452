import { createRequire } from "node:module";
import { alter } from "../lib/syntax/alter.ts";
import { readMandatoryHeaders } from "../lib/syntax/mandatory-headers.ts";
import { isFault } from "../lib/syntax/fault.ts";
import { headerValues, parseMessage } from "../lib/syntax/message.ts";

/** A parser in the race: what it does with a frame's text, and, where it can write messages too, how it forwards one. */
export interface Contender {
  readonly name: string;
  /** Throws if it does not understand the message. */
  readonly parse: (text: string) => unknown;
  /** Decrements Max-Forwards, pushes Via and Record-Route, drops the topmost Route. */
  readonly forward?: (text: string) => string;
}

const via = "SIP/2.0/WSS edge.example.com;branch=z9hG4bK7f3a19c2.kXw02f.0.9d1c";
const recordRoute = "<sip:route.P035zJZW2YRqYCkfV4Hga0yViHQStFxkiqF_VXkR2MakuodbU7NjLCyxXDBu7cH9@edge.example.com;transport=ws;lr>";

const offhook: Contender = {
  name: "Offhook",
  parse: (text) => sound(parseMessage(text)),
  forward: (text) => {
    const message = sound(parseMessage(text));
    const mandatory = sound(readMandatoryHeaders(message));
    const routes = headerValues(message, "route");
    return alter(message, {
      maxForwards: (mandatory.maxForwards ?? 70) - 1,
      popRoutes: Math.min(routes.length, 1),
      push: [
        ["Via", via],
        ["Record-Route", recordRoute],
      ],
    });
  },
};

const require = createRequire(import.meta.url);

interface JsSipParser {
  parseMessage(text: string, ua: object): object | undefined;
}
const jsSipParser = require("jssip/lib/Parser.js") as JsSipParser;
const jsSip: Contender = {
  name: "JsSIP",
  parse: (text) => understood(jsSipParser.parseMessage(text, {})),
};

interface SipJsParser {
  readonly Parser: { parseMessage(text: string, logger: object): object | undefined };
}
const sipJsParser = (await import("sip.js/lib/core/messages/parser.js" as string)) as SipJsParser;
const complain = (complaint: string): never => {
  throw new Error(complaint);
};
const silent = { debug: () => {}, log: () => {}, warn: complain, error: complain };
const sipJs: Contender = {
  name: "SIP.js",
  parse: (text) => understood(sipJsParser.Parser.parseMessage(text, silent)),
};

interface DrachtioMessage {
  readonly headers: Record<string, string>;
  toString(): string;
}
const drachtio = require("drachtio-sip") as { SipMessage: new (text: string) => DrachtioMessage };
const drachtioSip: Contender = {
  name: "drachtio-sip",
  parse: (text) => new drachtio.SipMessage(text),
  forward: (text) => {
    const message = new drachtio.SipMessage(text);
    const { headers } = message;
    headers["max-forwards"] = String(Number(headers["max-forwards"]) - 1);
    headers["via"] = `${via},${headers["via"]}`;
    headers["record-route"] = recordRoute;
    delete headers["route"];
    return message.toString();
  },
};

interface SipMessage {
  readonly headers: Record<string, unknown>;
}
const sipPackage = require("sip") as {
  parse(text: string): SipMessage | undefined;
  stringify(message: SipMessage): string;
};
const sip: Contender = {
  name: "sip",
  parse: (text) => understood(sipPackage.parse(text)),
  forward: (text) => {
    const message = understood(sipPackage.parse(text));
    const { headers } = message;
    headers["max-forwards"] = Number(headers["max-forwards"]) - 1;
    headers["via"] = [ownVia, ...(headers["via"] as unknown[])];
    headers["record-route"] = [{ uri: recordRoute.slice(1, -1), params: {} }];
    headers["route"] = (headers["route"] as unknown[]).slice(1);
    return sipPackage.stringify(message);
  },
};
const ownVia = { version: "2.0", protocol: "WSS", host: "edge.example.com", params: { branch: "z9hG4bK7f3a19c2.kXw02f.0.9d1c" } };

/** Ours first. */
export const contenders: readonly Contender[] = [offhook, drachtioSip, sip, jsSip, sipJs];

function sound<Value>(value: Value): Exclude<Value, { readonly fault: string }> {
  if (isFault(value)) throw new Error(value.fault);
  return value as Exclude<Value, { readonly fault: string }>;
}

function understood<Message>(message: Message | undefined): Message {
  if (message === undefined) throw new Error("a contender does not understand a message");
  return message;
}
