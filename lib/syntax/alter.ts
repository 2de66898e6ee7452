import { roles } from "./header-names.ts";
import { splitList } from "./list.ts";
import { type HeaderLine, type Message, valueOf } from "./message.ts";

/** What changes in a message when it is forwarded (RFC 3261 §16.6, §16.7); all else stays byte for byte. */
export interface Alterations {
  readonly requestUri?: string;
  /** Replaces the value, or adds the header. */
  readonly maxForwards?: number;
  /** Drops the topmost Via element. */
  readonly popVia?: boolean;
  /** Drops this many Route elements from the top. */
  readonly popRoutes?: number;
  /** Drops the last Route element (RFC 3261 §16.4). */
  readonly popLastRoute?: boolean;
  /** Whole lines before the first header line, in this order. */
  readonly push?: readonly (readonly [name: string, value: string])[];
  /** Drops all lines of these headers. */
  readonly remove?: readonly string[];
  /** Whole lines after the last header line. */
  readonly append?: readonly (readonly [name: string, value: string])[];
}

/** Both alterations: all of the first, and what the second drops and adds. */
export function combined(one: Alterations, other: Pick<Alterations, "remove" | "push" | "append">): Alterations {
  const joined = (name: "push" | "append") => [...(one[name] ?? []), ...(other[name] ?? [])];
  return { ...one, remove: [...(one.remove ?? []), ...(other.remove ?? [])], push: joined("push"), append: joined("append") };
}

/** The text of the altered message, written in one pass: each alteration adds one cut. */
export function alter(message: Message, alterations: Alterations): string {
  const { text, lines, bodyAt } = message;
  const { requestUri, push, append, maxForwards } = alterations;
  const firstLine = lines[0]?.at ?? bodyAt - 2;
  let altered = "";
  let from = 0;
  if (requestUri !== undefined && message.kind === "request") {
    const at = message.method.length + 1;
    altered = text.slice(0, at) + requestUri;
    from = at + message.requestUri.length;
  }
  altered += text.slice(from, firstLine);
  if (push !== undefined) for (const [name, value] of push) altered += `${name}: ${value}\r\n`;
  if (maxForwards !== undefined && message.first[roles.maxForwards] === undefined) altered += `Max-Forwards: ${maxForwards}\r\n`;
  from = firstLine;
  const left = { vias: alterations.popVia === true ? 1 : 0, routes: alterations.popRoutes ?? 0, last: lastRoute(message, alterations) };
  for (const line of lines) {
    const value = changed(message, line, alterations, left);
    if (value === kept) continue;
    altered += value === gone ? text.slice(from, line.at) : `${text.slice(from, line.valueAt)} ${value}\r\n`;
    from = line.end + 2;
  }
  if (append === undefined || append.length === 0) return altered + text.slice(from);
  altered += text.slice(from, bodyAt - 2);
  for (const [name, value] of append) altered += `${name}: ${value}\r\n`;
  return altered + text.slice(bodyAt - 2);
}

/** The results for a line, besides a new value. */
const kept = "\r\nkept";
const gone = "\r\ngone";

/** How many elements of Via and Route are still to be dropped. */
interface Left {
  vias: number;
  routes: number;
  readonly last: HeaderLine | undefined;
}

/** The new value of a line. */
function changed(message: Message, line: HeaderLine, { maxForwards, remove }: Alterations, left: Left): string {
  switch (line.name) {
    case "max-forwards":
      return maxForwards === undefined ? removed(line, remove) : String(maxForwards);
    case "via":
      return left.vias > 0 ? dropVia(message, line, left) : removed(line, remove);
    case "route":
      return left.routes > 0 || line === left.last ? dropRoutes(message, line, left) : removed(line, remove);
    default:
      return removed(line, remove);
  }
}

function removed({ name }: HeaderLine, remove: Alterations["remove"]): string {
  return remove?.includes(name) === true ? gone : kept;
}

function lastRoute({ lines }: Message, { popLastRoute = false }: Alterations): HeaderLine | undefined {
  return popLastRoute ? lines.findLast((line) => line.name === "route") : undefined;
}

function dropVia(message: Message, line: HeaderLine, left: Left): string {
  left.vias -= 1;
  return rest(elementsOf(message, line).slice(1));
}

/** Drops elements from the front of a line, and perhaps the last. */
function dropRoutes(message: Message, line: HeaderLine, left: Left): string {
  const elements = elementsOf(message, line);
  const dropped = Math.min(left.routes, elements.length);
  left.routes -= dropped;
  return rest(elements.slice(dropped, line === left.last ? -1 : undefined));
}

function elementsOf({ text }: Message, line: HeaderLine): readonly string[] {
  const value = valueOf(text, line);
  return value.includes(",") ? splitList(value) : [value];
}

function rest(elements: readonly string[]): string {
  return elements.length === 0 ? gone : elements.join(", ");
}
