import type { Alterations } from "../syntax/alter.ts";
import { parseDigest } from "../syntax/digest.ts";
import { isFault } from "../syntax/fault.ts";
import { type Message, hasHeader, headerValues } from "../syntax/message.ts";

/** Headers that ask for credentials. */
const challenges = [
  ["www-authenticate", "WWW-Authenticate"],
  ["proxy-authenticate", "Proxy-Authenticate"],
] as const;

/**
 * The challenges of a response within a dialog. Phones answer any challenge with a hash of their password, whatever its realm: the other
 * side of a call could ask for that in answer to a BYE, and guess at leisure. They do not pass, though RFC 3261 §22.2 lets phones ask.
 */
export function challengesWithin(response: Message): string[] {
  return challenges.flatMap(([name]) => (hasHeader(response, name) ? [name] : []));
}

/** What a response loses whose challenges are of our own realm: nobody but this server asks there. @param realm in lower case */
export function withoutOurRealm(response: Message, realm: string): Pick<Alterations, "remove" | "append"> {
  const remove: string[] = [];
  const append: [string, string][] = [];
  for (const [name, written] of challenges) {
    const values = hasHeader(response, name) ? headerValues(response, name) : [];
    const others = values.filter((value) => realmOf(value) !== realm);
    if (others.length === values.length) continue;
    remove.push(name);
    for (const value of others) append.push([written, value]);
  }
  return { remove, append };
}

function realmOf(challenge: string): string | undefined {
  const digest = parseDigest(challenge);
  return isFault(digest) ? undefined : digest.values.get("realm")?.toLowerCase();
}
