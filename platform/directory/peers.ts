import { createHash } from "node:crypto";
import type { PresentedCredentials } from "../../lib/authentication/presented-credentials.ts";
import type { NonSubscriber } from "../../lib/transport/non-subscriber.ts";
import { answerOf } from "./answer-of.ts";
import type { Environment } from "../environment.ts";

/** The peer with these credentials; undefined if there is none. */
export async function findPeer(
  { DIRECTORY }: Environment,
  { token, certificate }: PresentedCredentials,
): Promise<NonSubscriber | undefined> {
  if (token === undefined && certificate === undefined) return undefined;
  const query = DIRECTORY.prepare("SELECT settings FROM peers WHERE token = ? OR certificate = ?").bind(
    token === undefined ? null : hashOfToken(token),
    certificate ?? null,
  );
  const row = await answerOf(query.first<{ settings: string }>());
  return row === null ? undefined : (JSON.parse(row.settings) as NonSubscriber);
}

/** Tokens are stored as hashes, without a salt: they are long and random, so they cannot be guessed. */
export function hashOfToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
