import type { Keyring } from "../authentication/keyring.ts";
import type { OfferedService } from "./registration.ts";

/** Web Push (RFC 8030) with our own keys (RFC 8292). */
export interface WebPushService {
  readonly provider: "webpush";
  /** `mailto:` or `https:` (RFC 8292 §2.1): whom a push service may tell of problems. */
  readonly subject: string;
  /** Base64url: an uncompressed point of P-256, and its secret. */
  readonly publicKey: string;
  readonly privateKey: string;
  /** Hosts of push services besides those of the usual browsers. */
  readonly hosts: readonly string[];
}

/** Firebase Cloud Messaging, HTTP v1. */
export interface FcmService {
  readonly provider: "fcm";
  readonly project: string;
  readonly clientEmail: string;
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  /** URLs: where access tokens are asked for, and the service itself without its path. */
  readonly tokenUri: string;
  readonly endpoint: string;
}

/** The Apple Push Notification service, with a token. */
export interface ApnsService {
  readonly provider: "apns";
  readonly teamId: string;
  readonly keyId: string;
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  /** The URL of the service without its path; that of a relay perhaps. */
  readonly endpoint: string;
}

/** A push notification service that a domain uses. */
export type PushService = WebPushService | FcmService | ApnsService;

/** As it was read: if no key that we have opens its secret, that is empty. */
export interface ReadPushService {
  readonly service: PushService;
  readonly isLost: boolean;
}

interface Stored {
  readonly open: PushService;
  readonly sealed: string;
}

/** A service as it is stored: its secret sealed with the first key, bound to the domain and to where it is used. */
export function writePushService(service: PushService, domain: string, keyring: Keyring): string {
  const sealed = keyring.seal("push-secret", service.privateKey, contextOf(service, domain));
  return JSON.stringify({ open: { ...service, privateKey: "" }, sealed } satisfies Stored);
}

/** @param keyring undefined if there is no key, so that no secret can be opened */
export function readPushService(stored: string, domain: string, keyring: Keyring | undefined): ReadPushService {
  const { open, sealed } = JSON.parse(stored) as Stored;
  const privateKey = keyring?.open("push-secret", sealed, contextOf(open, domain));
  return privateKey === undefined ? { service: open, isLost: true } : { service: { ...open, privateKey }, isLost: false };
}

/** Whether two services differ in their secret at most. */
export function isSamePlace(one: PushService, other: PushService): boolean {
  const members = (service: PushService) => JSON.stringify(Object.entries({ ...service, privateKey: "" }).sort());
  return members(one) === members(other);
}

/** What phones are told of it. */
export function offeredService(service: PushService): OfferedService {
  return service.provider === "webpush" ? { provider: service.provider, vapidKey: service.publicKey } : { provider: service.provider };
}

/** An access token made with the secret is sent to this place only. */
function contextOf(service: PushService, domain: string): string {
  const { provider } = service;
  if (provider === "webpush") return `${domain} ${provider} ${service.publicKey}`;
  return `${domain} ${provider} ${service.endpoint} ${provider === "fcm" ? service.tokenUri : service.teamId}`;
}
