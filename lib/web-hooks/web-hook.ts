import type { Keyring } from "../authentication/keyring.ts";

/** The events that a web hook can be told of. */
export const eventTypes = [
  "call.started",
  "call.ringing",
  "call.answered",
  "call.ended",
  "registered",
  "unregistered",
  "message.stored",
  "trunk.up",
  "trunk.down",
] as const;
export type EventType = (typeof eventTypes)[number];

/** A secret that signs deliveries. Times in milliseconds. */
export interface SigningSecret {
  /** `whsec_` and 32 octets in base64. */
  readonly secret: string;
  /** Absent: it signs until it is replaced. */
  readonly until?: number;
}

/** An address of a customer's application that is told of events in a domain. */
export interface WebHook {
  readonly domain: string;
  readonly name: string;
  readonly url: string;
  readonly events: readonly EventType[];
  /** The present one first, then those that it has replaced. */
  readonly secrets: readonly SigningSecret[];
  /** Milliseconds: since when it gets nothing, because its receiver has answered 410. */
  readonly disabled?: number;
  /** No key that we have opens its present secret: it gets nothing until there is a new one. */
  readonly isLost?: boolean;
}

interface StoredWebHook extends Omit<WebHook, "secrets" | "isLost"> {
  readonly sealed: readonly { readonly secret: string; readonly until?: number }[];
}

/** Milliseconds that a secret signs after it was replaced. */
export const rotationTime = 86_400_000;
/** Secrets that have been replaced and still sign. */
const maxReplaced = 2;

/** Whether a hook is to be told of an event of this type. */
export function isWanted({ events, disabled }: WebHook, type: EventType): boolean {
  return disabled === undefined && events.includes(type);
}

/** The secrets that sign at this time, the present one first. */
export function signingSecrets({ secrets }: WebHook, now: number): string[] {
  return secrets.filter(({ until }) => until === undefined || until > now).map(({ secret }) => secret);
}

/** The hook with a new secret; the one before signs for another 24 hours. */
export function withNewSecret(hook: WebHook, secret: string, now: number): WebHook {
  const { isLost: _lost, ...rest } = hook;
  const replaced = hook.secrets
    .map(({ secret: one, until = now + rotationTime }) => ({ secret: one, until }))
    .filter(({ until }) => until > now);
  return { ...rest, secrets: [{ secret }, ...replaced.slice(0, maxReplaced)] };
}

/**
 * A stored web hook with its secrets opened.
 * @param keyring undefined if there is no key, so that no secret can be opened
 */
export function readWebHook(stored: string, keyring?: Keyring): WebHook {
  const { sealed, ...hook } = JSON.parse(stored) as StoredWebHook;
  const secrets = sealed.flatMap(({ secret: token, ...rest }) => {
    const secret = keyring?.open("web-hook-secret", token, contextOf(hook));
    return secret === undefined ? [] : [{ secret, ...rest }];
  });
  const isLost = !secrets.some(({ until }) => until === undefined);
  return { ...hook, secrets, ...(isLost ? { isLost } : {}) };
}

/** A web hook as it is stored: its secrets sealed with the first key, bound to its name, so that no other hook's row can use them. */
export function writeWebHook({ secrets, isLost: _lost, ...hook }: WebHook, keyring: Keyring): string {
  const sealed = secrets.map(({ secret, ...rest }) => ({ secret: keyring.seal("web-hook-secret", secret, contextOf(hook)), ...rest }));
  return JSON.stringify({ ...hook, sealed } satisfies StoredWebHook);
}

/** Neither a domain nor a hook's name has a space. */
function contextOf({ domain, name }: Pick<WebHook, "domain" | "name">): string {
  return `${domain} ${name}`;
}
