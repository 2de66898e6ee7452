import { timingSafeEqual } from "node:crypto";
import type { Context } from "hono";
import { hashOfApiKey, idInApiKey } from "../../platform/crypto/api-key.ts";
import { type ApiKey, KeyStore } from "../../platform/directory/key-store.ts";
import type { ApiEnvironment } from "./actor.ts";
import { refuseFrequent, refuseWithoutTls } from "./attempts.ts";

const day = 86_400_000;
const keysKept = 1000;

/** Hashes of keys that were right lately, in memory of the isolate: their holders are no strangers, and are not counted. */
const rightKeys = new Set<string>();

/**
 * The key that a bearer token is, if it is valid now; undefined for all others, whatever is wrong. The directory is asked only for what has
 * the checksum of a key, and from one address only so often. Throws 429 above that.
 */
export async function authenticateKey(context: Context<ApiEnvironment>, token: string, now: number): Promise<ApiKey | undefined> {
  const id = idInApiKey(token);
  if (id === undefined) return undefined;
  refuseWithoutTls(context, "keys");
  const hash = hashOfApiKey(token);
  if (!rightKeys.has(hash)) await refuseFrequent(context);
  const store = new KeyStore(context.env.DIRECTORY);
  const found = await store.find(id);
  const isRight = timingSafeEqual(Buffer.from(hash), Buffer.from(found?.hash ?? "0".repeat(hash.length)));
  if (found === undefined || !isRight || now >= (found.key.expiresAt ?? Infinity)) {
    rightKeys.delete(hash);
    return undefined;
  }
  remember(hash);
  const today = now - (now % day);
  if ((found.key.lastUsedAt ?? 0) < today) context.executionCtx.waitUntil(noteUse(store, id, today));
  return found.key;
}

function remember(hash: string): void {
  rightKeys.delete(hash);
  rightKeys.add(hash);
  const [oldest] = rightKeys;
  if (rightKeys.size > keysKept && oldest !== undefined) rightKeys.delete(oldest);
}

/** A use that cannot be noted is noted later: the request goes on. */
async function noteUse(store: KeyStore, id: string, today: number): Promise<void> {
  try {
    await store.noteUse(id, today);
  } catch (error) {
    console.error(JSON.stringify({ note: "the use of a key could not be noted", id, error: String(error) }));
  }
}
