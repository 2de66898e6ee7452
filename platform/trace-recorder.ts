import { parseCSeq } from "../lib/syntax/cseq.ts";
import { isFault } from "../lib/syntax/fault.ts";
import { relayedLimits } from "../lib/syntax/limits.ts";
import { headerValue, parseMessage } from "../lib/syntax/message.ts";
import { copyOf } from "../lib/syntax/memoise.ts";
import { legible } from "../lib/syntax/octets.ts";
import { maskUri, withoutMediaKeys, withoutPushSecrets } from "../lib/syntax/masks.ts";
import type { TraceEntry } from "../lib/trace.ts";

interface Kept {
  readonly at: number;
  readonly direction: TraceEntry["direction"];
  readonly flow: string;
  readonly text: string;
}

/** The last messages of a home, in memory only, for administrators who look for a call. */
export class TraceRecorder {
  readonly #length: number;
  readonly #kept: Kept[] = [];
  #next = 0;
  /** Keeps more than this memory does, if an administrator wants it. */
  #further: ((entry: TraceEntry) => void) | undefined;

  /** @param length how many messages are kept */
  constructor(length: number) {
    this.#length = length;
  }

  /** @param further gets each message too */
  passOn(further: (entry: TraceEntry) => void): void {
    this.#further = further;
  }

  /** @param isWhole the text is no part of a longer one, which would be kept with it */
  keep(at: number, direction: TraceEntry["direction"], flow: string, text: string, isWhole = direction === "out"): void {
    this.#further?.({ at, direction, flow, text });
    if (this.#length === 0) return;
    const isShort = isWhole && text.length <= maxKept;
    this.#kept[this.#next % this.#length] = { at, direction, flow, text: isShort ? text : copyOf(text.slice(0, maxKept)) };
    this.#next += 1;
  }

  /** Whether nothing is recorded. */
  get isOff(): boolean {
    return this.#length === 0;
  }

  /** Oldest first, credentials masked. */
  entries(): TraceEntry[] {
    return this.#ordered().map((entry) => ({ ...entry, text: legible(maskCredentials(entry.text)) }));
  }

  /** The matching ones, oldest first, as octets. */
  matching(isWanted: (octets: string) => boolean): TraceEntry[] {
    return this.#ordered().filter(({ text }) => isWanted(text));
  }

  #ordered(): readonly Kept[] {
    const start = this.#next % this.#length;
    return this.#next <= this.#length ? this.#kept : [...this.#kept.slice(start), ...this.#kept.slice(0, start)];
  }
}

/** Characters of a message that are kept. */
const maxKept = 16_384;

/** The explanation of a refusal by a server, perhaps this one (RFC 3261 §20.43). */
export function warningIn(response: string): string | undefined {
  return /\r\nWarning[ \t]*:[ \t]*\d{3} [^ \r\n]{1,100} "([^"\r\n]{1,200})"/i.exec(response)?.[1];
}

/** The method of the request that a response answers; empty without a usable CSeq. */
export function methodOfResponse(response: string): string {
  return methodInUsualLine(response) ?? methodInAny(response);
}

function methodInAny(response: string): string {
  const message = parseMessage(response, relayedLimits);
  const cseq = isFault(message) ? message : parseCSeq(headerValue(message, "cseq") ?? "");
  return isFault(cseq) ? "" : cseq.method;
}

const usualLine = "\r\nCSeq: ";
const numberAndMethod = /\d+ ([A-Z]+)\r\n/y;

/** Without a search for other spellings; undefined if the header does not have the line as phones write it. */
function methodInUsualLine(response: string): string | undefined {
  const at = response.indexOf(usualLine);
  if (at < 0 || at > response.indexOf("\r\n\r\n")) return undefined;
  numberAndMethod.lastIndex = at + usualLine.length;
  return numberAndMethod.exec(response)?.[1];
}

/**
 * Masks the response of digest credentials (RFC 7616 §3.4), from which a password could be guessed, credentials of other schemes, secrets in
 * URIs, keys of media, and what a push notification needs.
 */
export function maskCredentials(text: string): string {
  return maskUri(withoutMediaKeys(withoutPushSecrets(text)))
    .replace(/\bresponse\s*=\s*(?:"[^"\r\n]*"|[0-9a-f]{32,})/gi, 'response="***"')
    .replace(/^((?:Proxy-)?Authorization\s*:\s*(?!Digest\b)[\w-]+\s+)\S+/gim, "$1***");
}
