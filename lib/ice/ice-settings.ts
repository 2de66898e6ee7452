import type { Keyring } from "../authentication/keyring.ts";
import type { IceServer } from "./ice-server.ts";

/** The same servers, with the same credentials, for all users of a domain. */
export interface StaticIce {
  readonly kind: "static";
  readonly servers: readonly IceServer[];
}

/** A TURN server that shares a secret with us, such as coturn (draft-uberti-behave-turn-rest-00). */
export interface SharedSecretIce {
  readonly kind: "shared_secret";
  readonly urls: readonly string[];
  readonly secret: string;
  /** Seconds. */
  readonly ttl: number;
}

/** Cloudflare Realtime TURN, or a service with the same interface. */
export interface CloudflareIce {
  readonly kind: "cloudflare";
  readonly keyId: string;
  readonly apiToken: string;
  /** Seconds. */
  readonly ttl: number;
  /** Its URL without the path. */
  readonly endpoint: string;
}

/** What STUN and TURN servers the phones of a domain use. */
export type IceSettings = StaticIce | SharedSecretIce | CloudflareIce;

/** Settings as they were read: if no key that we have opens their secrets, these are empty. */
export interface ReadIceSettings {
  readonly settings: IceSettings;
  readonly isLost: boolean;
}

/** Settings without secrets, and the secrets sealed, in the order of `secretsOf`; absent if there are none. */
interface StoredIceSettings {
  readonly open: IceSettings;
  readonly sealed?: string;
}

/** Settings as they are stored: their secrets sealed with the first key, bound to the domain and to where they may be sent. */
export function writeIceSettings(settings: IceSettings, domain: string, keyring: Keyring): string {
  const secrets = secretsOf(settings);
  const open = withSecrets(settings, []);
  if (secrets.every((secret) => secret === "")) return JSON.stringify({ open } satisfies StoredIceSettings);
  const sealed = keyring.seal("ice-secret", JSON.stringify(secrets), contextOf(domain, settings));
  return JSON.stringify({ open, sealed } satisfies StoredIceSettings);
}

/**
 * Stored settings with their secrets opened.
 * @param keyring undefined if there is no key, so that no secret can be opened
 */
export function readIceSettings(stored: string, domain: string, keyring: Keyring | undefined): ReadIceSettings {
  const { open, sealed } = JSON.parse(stored) as StoredIceSettings;
  if (sealed === undefined) return { settings: open, isLost: false };
  const secrets = keyring?.open("ice-secret", sealed, contextOf(domain, open));
  if (secrets === undefined) return { settings: open, isLost: true };
  return { settings: withSecrets(open, JSON.parse(secrets) as string[]), isLost: false };
}

/** "" for a server without a credential. */
function secretsOf(settings: IceSettings): readonly string[] {
  if (settings.kind === "static") return settings.servers.map(({ credential = "" }) => credential);
  return [settings.kind === "shared_secret" ? settings.secret : settings.apiToken];
}

function withSecrets(settings: IceSettings, secrets: readonly string[]): IceSettings {
  const [only = ""] = secrets;
  if (settings.kind === "shared_secret") return { ...settings, secret: only };
  if (settings.kind === "cloudflare") return { ...settings, apiToken: only };
  return { ...settings, servers: settings.servers.map((server, index) => withCredential(server, secrets[index] ?? "")) };
}

function withCredential({ credential: _replaced, ...server }: IceServer, credential: string): IceServer {
  return credential === "" ? server : { ...server, credential };
}

/** Neither a domain nor a kind has a space. */
function contextOf(domain: string, settings: IceSettings): string {
  const place = settings.kind === "cloudflare" ? `${settings.endpoint} ${settings.keyId}` : "";
  return `${domain} ${settings.kind} ${place}`;
}
