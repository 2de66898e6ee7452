import type { JSONWebKeySet } from "jose";
import { boundedText } from "../bounded-text.ts";
import type { Environment } from "../environment.ts";
import { whyUnreachable } from "../web-hook-receiver.ts";

/** Milliseconds, octets, and keys of a key set. */
const patience = 5000;
const maxSize = 65_536;
const maxKeys = 100;

/** A key set that cannot be had, in words for the administrator. */
export class KeySetFault extends Error {}

/** Fetches a key set (RFC 7517 §5). @throws KeySetFault */
export async function fetchKeySet(environment: Environment, url: string): Promise<string> {
  const why = await whyUnreachable(environment, url);
  if (why !== undefined) throw new KeySetFault(why);
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), patience);
  try {
    const answer = await fetch(url, { headers: { Accept: "application/json" }, redirect: "manual", signal: timeout.signal });
    if (answer.status !== 200) {
      await answer.body?.cancel();
      throw new KeySetFault(`was answered with the status ${answer.status}`);
    }
    const text = await boundedText(answer, maxSize);
    if (text === undefined) throw new KeySetFault(`is longer than ${maxSize} octets`);
    readKeySet(text);
    return text;
  } catch (error) {
    if (error instanceof KeySetFault) throw error;
    console.error(JSON.stringify({ note: "a key set could not be fetched", url, error: String(error) }));
    throw new KeySetFault(timeout.signal.aborted ? `has not answered in ${patience / 1000} seconds` : "could not be reached");
  } finally {
    clearTimeout(timer);
  }
}

/** @throws KeySetFault if it is no key set, or has secrets */
export function readKeySet(text: string): JSONWebKeySet {
  const set = parsed(text);
  if (!isKeySet(set)) throw new KeySetFault("is no JSON Web Key Set: it has no list of keys");
  if (set.keys.length === 0 || set.keys.length > maxKeys) throw new KeySetFault(`has to have from 1 to ${maxKeys} keys`);
  if (set.keys.some((key) => key.kty === "oct" || "d" in key)) throw new KeySetFault("has a secret key: only public keys may be in it");
  return set;
}

function isKeySet(set: unknown): set is JSONWebKeySet {
  if (typeof set !== "object" || set === null || !("keys" in set) || !Array.isArray(set.keys)) return false;
  return set.keys.every((key: unknown) => typeof key === "object" && key !== null);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
