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
 * The challenges of a response within a dialog. They are removed, though RFC 3261 §22.2 lets phones challenge: phones answer any challenge
 * with a hash of their password, whatever its realm. So the other side of a call could challenge a BYE, and guess the password offline.
 */
export function challengesWithin(response: Message): string[] {
  return challenges.flatMap(([name]) => (hasHeader(response, name) ? [name] : []));
}

/** Removes the challenges of our own realm: only this server may challenge for it. @param realm in lower case */
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
 * Removes from a request to a phone the credentials that are made with the sender's own account, whatever their realm: a phone that another
 * phone challenges hashes the password of its account. Credentials of an account at another server stay.
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
