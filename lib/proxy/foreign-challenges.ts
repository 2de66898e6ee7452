import type { Alterations } from "../syntax/alter.ts";
import { parseDigest } from "../syntax/digest.ts";
import { isFault } from "../syntax/fault.ts";
import { type Message, type Request, hasHeader, headerValues } from "../syntax/message.ts";
import { canonicalUser } from "../syntax/uri.ts";

/** Headers that ask for credentials. */
const challenges = [
  ["www-authenticate", "WWW-Authenticate"],
  ["proxy-authenticate", "Proxy-Authenticate"],
] as const;

const credentials = [
  ["authorization", "Authorization"],
  ["proxy-authorization", "Proxy-Authorization"],
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

/**
 * What a request to a phone loses: answers to challenges that are made with the sender's own account, whatever realm they are for. A phone
 * that was challenged by another one hashes the password of its account; a server that it has an account of its own at is another matter.
 * @param user of the account, without escapes
 */
export function withoutAnswers(request: Request, user: string): Pick<Alterations, "remove" | "append"> {
  const remove: string[] = [];
  const append: [string, string][] = [];
  for (const [name, written] of credentials) {
    const values = hasHeader(request, name) ? headerValues(request, name) : [];
    const others = values.filter((value) => !isOf(value, user));
    if (others.length === values.length) continue;
    remove.push(name);
    for (const value of others) append.push([written, value]);
  }
  return { remove, append };
}

function isOf(value: string, user: string): boolean {
  const digest = parseDigest(value);
  const [name = ""] = isFault(digest) ? [] : (digest.values.get("username") ?? "").split("@", 1);
  return canonicalUser(name) === user;
}

function realmOf(challenge: string): string | undefined {
  const digest = parseDigest(challenge);
  return isFault(digest) ? undefined : digest.values.get("realm")?.toLowerCase();
}
