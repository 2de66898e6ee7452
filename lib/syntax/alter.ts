import { splitList } from "./list.ts";
import { type HeaderLine, type Message, valueOf } from "./message.ts";

/** What changes in a message when it is forwarded (RFC 3261 §16.6, §16.7); all else stays byte for byte. */
export interface Alterations {
  readonly requestUri?: string;
  /** Replaces the value, or adds the header. */
  readonly maxForwards?: number;
  /** Drops the topmost Via element. */
  readonly popVia?: boolean;
  /** Drops so many Route elements from the top. */
  readonly popRoutes?: number;
  /** Drops the last Route element (RFC 3261 §16.4). */
  readonly popLastRoute?: boolean;
  /** Whole lines before the first header line, in this order. */
  readonly push?: readonly (readonly [name: string, value: string])[];
  /** Drops all lines of these headers. */
  readonly remove?: readonly string[];
  /** Whole lines behind the last header line. */
  readonly append?: readonly (readonly [name: string, value: string])[];
}

interface Splice {
  readonly at: number;
  readonly end: number;
  readonly text: string;
}

/** The text of the altered message. */
export function alter(message: Message, alterations: Alterations): string {
  const { text } = message;
  const splices = collect(message, alterations);
  let altered = "";
  let from = 0;
  for (const splice of splices) {
    altered += text.slice(from, splice.at) + splice.text;
    from = splice.end;
  }
  return altered + text.slice(from);
}

function collect(message: Message, alterations: Alterations): Splice[] {
  const splices: Splice[] = [];
  const { requestUri, push, append, maxForwards } = alterations;
  const firstLine = message.lines[0]?.at ?? message.bodyAt - 2;
  if (requestUri !== undefined && message.kind === "request") {
    const at = message.method.length + 1;
    splices.push({ at, end: at + message.requestUri.length, text: requestUri });
  }
  const added = push === undefined ? "" : lines(push);
  const hasMaxForwards = message.lines.some((line) => line.name === "max-forwards");
  const missing = maxForwards !== undefined && !hasMaxForwards ? `Max-Forwards: ${maxForwards}\r\n` : "";
  if (added !== "" || missing !== "") splices.push({ at: firstLine, end: firstLine, text: added + missing });
  collectLines(message, alterations, splices);
  if (append !== undefined && append.length > 0) splices.push({ at: message.bodyAt - 2, end: message.bodyAt - 2, text: lines(append) });
  return splices;
}

function collectLines(message: Message, alterations: Alterations, splices: Splice[]): void {
  const { maxForwards, popVia = false, popRoutes = 0, popLastRoute = false, remove } = alterations;
  let viasLeft = popVia ? 1 : 0;
  let routesLeft = popRoutes;
  const lastRoute = popLastRoute ? message.lines.findLast((line) => line.name === "route") : undefined;
  for (const line of message.lines) {
    if (line.name === "max-forwards" && maxForwards !== undefined) {
      splices.push({ at: line.valueAt, end: line.end, text: ` ${maxForwards}` });
    } else if (line.name === "via" && viasLeft > 0) viasLeft -= drop(message, line, viasLeft, false, splices);
    else if (line.name === "route" && (routesLeft > 0 || line === lastRoute)) {
      routesLeft -= drop(message, line, routesLeft, line === lastRoute, splices);
    } else if (remove?.includes(line.name) === true) splices.push(whole(line));
  }
}

/** Drops elements from the front of a line, and perhaps the last; returns how many from the front. */
function drop(message: Message, line: HeaderLine, most: number, alsoLast: boolean, splices: Splice[]): number {
  const value = valueOf(message.text, line);
  const elements = value.includes(",") ? splitList(value) : [value];
  const dropped = Math.min(most, elements.length);
  const kept = elements.slice(dropped, alsoLast ? -1 : undefined);
  splices.push(kept.length === 0 ? whole(line) : { at: line.valueAt, end: line.end, text: ` ${kept.join(", ")}` });
  return dropped;
}

function whole(line: HeaderLine): Splice {
  return { at: line.at, end: line.end + 2, text: "" };
}

function lines(headers: readonly (readonly [string, string])[]): string {
  let text = "";
  for (const [name, value] of headers) text += `${name}: ${value}\r\n`;
  return text;
}
