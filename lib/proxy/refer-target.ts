import { type Fault, fault, isFault } from "../syntax/fault.ts";
import { parseUri } from "../syntax/uri.ts";

/** Whom a REFER asks to be called (RFC 3515 §2.1). */
export interface ReferTarget {
  /** Without its headers. */
  readonly uri: string;
  /** Header lines of the INVITE: the call that it replaces (RFC 3891 §3). */
  readonly lines: readonly string[];
}

/** Characters of a Replaces. */
const maxReplaces = 400;

/** Reads the URI of a Refer-To; only calls are placed, and of its headers only Replaces is heeded. */
export function readReferTarget(written: string): ReferTarget | Fault {
  const [bare = "", headers = ""] = written.split("?", 2);
  const uri = parseUri(bare);
  if (isFault(uri)) return uri;
  if (uri.kind === "other") return fault(416, `the scheme ${uri.scheme} cannot be called`);
  if (/;method=(?!invite(?:;|$))/i.test(bare)) return fault(403, "a REFER may ask for a call only");
  const replaces = headers.split("&").find((header) => /^replaces=/i.test(header));
  const value = replaces === undefined ? undefined : unescaped(replaces.slice("replaces=".length));
  if (replaces !== undefined && value === undefined) return fault(400, "the Replaces in the Refer-To is malformed");
  return { uri: bare.replace(/;method=invite/i, ""), lines: value === undefined ? [] : [`Replaces: ${value}`, "Require: replaces"] };
}

/** Undefined if it is none, or would add a line. */
function unescaped(written: string): string | undefined {
  if (written.length > maxReplaces || !/^(?:[\w.!~*'()&+$,;:@/=-]|%[0-9a-f]{2})+$/i.test(written)) return undefined;
  const value = written.replaceAll(/%([0-9a-f]{2})/gi, (_escape, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  return /^[!-~]+$/.test(value) ? value : undefined;
}
