import type { Keyring } from "../../lib/authentication/keyring.ts";
import { canonicalUser } from "../../lib/syntax/uri.ts";
import { randomText } from "../../platform/crypto/random.ts";
import { keyringFor } from "../../platform/directory/directory.ts";
import { Store } from "../../platform/directory/store.ts";
import type { Environment } from "../../platform/environment.ts";
import { type MintedLimits, mintGuestToken } from "../../platform/tokens/own-token.ts";
import { Problem } from "./problem.ts";

/** A token as the API gives it. */
export interface NewToken {
  readonly token: string;
  /** ISO 8601. */
  readonly expires: string;
}

/** What the token of a guest is for. */
interface GuestTokenRequest {
  readonly domain: string;
  /** Without escapes. They have to exist. */
  readonly users: readonly string[];
  readonly seconds: number;
  readonly limits?: MintedLimits | undefined;
  readonly userToUser?: string | undefined;
}

/** The generations of users, in their order. @throws 400 for one that does not exist */
export async function requireUsers(
  { DIRECTORY }: Pick<Environment, "DIRECTORY">,
  domain: string,
  users: readonly string[],
): Promise<number[]> {
  const generations: number[] = [];
  for (const username of users) {
    const found = await new Store(DIRECTORY).subscriber(domain, username);
    if (found === undefined) throw new Problem(400, `users: there is no user ${username} in ${domain}`);
    generations.push(found.generation);
  }
  return generations;
}

/** A new token of a guest. @throws 400 if one of its users does not exist, and 503 without SEAL_KEYS */
export async function newGuestToken(
  environment: Environment,
  { domain, users, seconds, limits, userToUser }: GuestTokenRequest,
): Promise<NewToken> {
  const generations = await requireUsers(environment, domain, users);
  const until = Date.now() + seconds * 1000;
  const token = mintGuestToken(mustSeal(environment), {
    ...{ domain, id: newTokenId(), users: users.map(canonicalUser), generations, until },
    ...(limits === undefined ? {} : { limits }),
    ...(userToUser === undefined ? {} : { userToUser }),
  });
  return { token, expires: new Date(until).toISOString() };
}

/** Limits with a name for their token; undefined if there are none. */
export function newLimits(sent: Omit<MintedLimits, "id">): MintedLimits | undefined {
  return Object.keys(sent).length === 0 ? undefined : { id: newTokenId(), ...sent };
}

export function mustSeal(environment: Environment): Keyring {
  const keyring = keyringFor(environment);
  if (keyring === undefined) throw new Problem(503, "the secret SEAL_KEYS is not set: tokens cannot be made");
  return keyring;
}

function newTokenId(): string {
  return randomText() + randomText();
}
