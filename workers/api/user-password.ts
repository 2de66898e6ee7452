import { createHash } from "node:crypto";
import type { Context } from "hono";
import type { Subscriber } from "../../lib/location/subscriber.ts";
import { isHost } from "../../lib/syntax/uri.ts";
import { Brakes } from "../../platform/connection/brakes.ts";
import { isSameText } from "../../platform/crypto/same-text.ts";
import { Store, nameOf } from "../../platform/directory/store.ts";
import type { ApiEnvironment } from "./actor.ts";
import { refuseFrequent, refuseWithoutTls } from "./attempts.ts";
import { Problem } from "./problem.ts";

/** The account that a password is said to be of. */
export interface Account {
  /** Canonical user part. */
  readonly user: string;
  /** In lower case. */
  readonly domain: string;
  /** Whether the name that was given is that of the account: if not, the password is wrong whatever it is. */
  readonly isNamed: boolean;
}

/** In memory of the isolate, as in the edge proxy. */
const brakes = new Brakes();

/**
 * RFC 7617: name and password of a user, compared by their hash. Over TLS only, and slowed down, as for phones. Throws 401 if they are
 * wrong, the same whether there is such a user or not.
 * @param credentials in base64
 * @param accountOf the account for the name that was given
 */
export async function authenticateByPassword(
  context: Context<ApiEnvironment>,
  credentials: string,
  accountOf: (given: string) => Account,
): Promise<Account> {
  refuseWithoutTls(context, "passwords");
  await refuseFrequent(context);
  const [given = "", password = ""] = split(Buffer.from(credentials, "base64").toString("utf8"));
  const account = accountOf(given);
  const { user, domain, isNamed } = account;
  // It is repeated in a header.
  if (!isHost(domain)) throw new Problem(400, "domain: is not a domain name");
  const subscriber = await new Store(context.env.DIRECTORY).subscriber(domain, nameOf(user));
  const name = `${user}@${domain}`;
  await brakes.waiting(name, Date.now());
  if (isNamed && hasPassword(subscriber, { user, domain, password })) return account;
  brakes.wrong(name, 1, Date.now());
  throw new Problem(401, "the name or the password is wrong", { "WWW-Authenticate": `Basic realm="${domain}"` });
}

/** By any of the hashes: an imported account may have only one, and one of older versions only that of the escaped name. */
function hasPassword(
  subscriber: Subscriber | undefined,
  { user, domain, password }: { readonly user: string; readonly domain: string; readonly password: string },
): boolean {
  const made = (algorithm: "md5" | "sha256", name: string) => createHash(algorithm).update(`${name}:${domain}:${password}`).digest("hex");
  const { sha256 = "", md5 = "", escaped = { md5: "", sha256: "" } } = subscriber ?? {};
  const known = [
    [made("sha256", nameOf(user)), sha256],
    [made("md5", nameOf(user)), sha256 === "" ? md5 : ""],
    [made("sha256", user), escaped.sha256],
  ] as const;
  return known.filter(([hash, stored]) => isSameText(hash, stored)).length > 0;
}

function split(text: string): readonly string[] {
  const colon = text.indexOf(":");
  return colon < 0 ? [text] : [text.slice(0, colon), text.slice(colon + 1)];
}
