import type { NumberFormat } from "../routing/number-format.ts";
import type { Alterations } from "../syntax/alter.ts";
import { isFault } from "../syntax/fault.ts";
import { type Message, headerValue, headerValues } from "../syntax/message.ts";
import { parseNameAddress } from "../syntax/name-address.ts";
import { wantsPrivacy } from "../syntax/privacy.ts";
import { unescape } from "../syntax/uri.ts";
import type { Verification } from "../transport/verification.ts";
import { numberOfHeader } from "./telephone-identity.ts";
import { verstatOf } from "./verification.ts";

/** The headers that name a caller, and how they are written. */
const naming: Readonly<Record<string, string>> = {
  from: "From",
  "p-asserted-identity": "P-Asserted-Identity",
  "remote-party-id": "Remote-Party-ID",
};

const parameters = /;\s*([^;=@<>,?\s]+)\s*(?:=[^;@<>,?\s]*)?/g;

/**
 * Takes the parameter `verstat` out of the headers that name the caller: only the server that has verified the number may write it (3GPP TS
 * 24.229 §7.2A.20), and that is this one. A display name keeps its text.
 * @param taken headers that are removed anyway
 */
export function withoutVerstat(message: Message, taken: readonly string[]): Required<Pick<Alterations, "remove" | "append">> {
  const remove: string[] = [];
  const append: [string, string][] = [];
  for (const { name } of message.lines) {
    const written = Object.hasOwn(naming, name) ? naming[name] : undefined;
    if (written === undefined || taken.includes(name) || remove.includes(name)) continue;
    const values = headerValues(message, name);
    const clean = values.map(withoutParameter);
    if (clean.every((value, index) => value === values[index])) continue;
    remove.push(name);
    for (const value of clean) append.push([written, value]);
  }
  return { remove, append };
}

function withoutParameter(value: string): string {
  if (!/verstat|%/i.test(value)) return value;
  const open = value.startsWith('"') ? closingQuote(value) + 1 : 0;
  const isMark = (name: string) => unescape(name).toLowerCase() === "verstat";
  return value.slice(0, open) + value.slice(open).replace(parameters, (all, name: string) => (isMark(name) ? "" : all));
}

/** The position of the quote that ends the display name; -1 if there is none. */
function closingQuote(value: string): number {
  for (let at = 1; at < value.length; at += 1) {
    if (value[at] === "\\") at += 1;
    else if (value[at] === '"') return at;
  }
  return -1;
}

/**
 * Writes the result of a verification into P-Asserted-Identity; if there is none, into a new one with the number of From. From itself stays
 * as it is: phones show its user part, and send it back. A caller who wants privacy stays hidden (RFC 3325 §7).
 */
export function withVerstat(message: Message, verification: Verification, format: NumberFormat): Pick<Alterations, "remove" | "append"> {
  const { number } = verification;
  if (number === undefined || wantsPrivacy(message, ["id"])) return {};
  const mark = `;verstat=${verstatOf(verification)}`;
  const asserted = headerValues(message, "p-asserted-identity");
  const named = asserted.length > 0 ? asserted : [headerValue(message, "from") ?? ""];
  const lines = named.flatMap((value) => (numberOfHeader(value, format) === number ? marked(value, mark) : [value]));
  return {
    remove: asserted.length > 0 ? ["p-asserted-identity"] : [],
    append: lines.map((line) => ["P-Asserted-Identity", line] as const),
  };
}

/** RFC 3966 §3: a parameter of the number, in a tel URI or in the user part of a SIP URI. Another name stays as it is. */
function marked(value: string, mark: string): readonly string[] {
  const address = parseNameAddress(value);
  if (isFault(address)) return [];
  const uri = address.uri.replace(/^((?:sips?|tel):\+?[\w*#%.!~'()-]+)/i, `$1${mark}`);
  return [`${address.displayName === undefined ? "" : `${address.displayName} `}<${uri}>`];
}
