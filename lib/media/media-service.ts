import type { Keyring } from "../authentication/keyring.ts";
import type { MediaProfile } from "./profile.ts";

/** An rtpengine that converts the media of a domain's trunks. */
export interface MediaService {
  readonly name: string;
  readonly kind: "rtpengine";
  /** Where its HTTP listener is, `https://…/ng`. */
  readonly url: string;
  /** A bearer token for a proxy in front of it; "" for none. */
  readonly secret: string;
  /** The lowest are asked first. */
  readonly priority: number;
  /** The names of its interfaces towards phones and towards trunks; "" if it has one. */
  readonly phoneInterface: string;
  readonly trunkInterface: string;
}

/** What the other side of a trunk speaks. */
export interface TrunkMedia {
  /** `auto`: WebRTC passes as it is; calls to the trunk are converted to RTP if the domain has a media service. */
  readonly profile: MediaProfile | "auto";
  /** The codecs that the trunk is offered, others are left out or converted; empty: as the phone has them. */
  readonly codecs: readonly string[];
  /** The name of the service; "" for any of the domain. */
  readonly service: string;
  /** `rfc4733`: keys that phones send as INFO become events in the audio; `auto`, and if absent: they pass as INFO. */
  readonly dtmf?: "auto" | "rfc4733";
}

export const defaultTrunkMedia: TrunkMedia = { profile: "auto", codecs: [], service: "" };

/** As it was read: if no key that we have opens its secret, that is empty. */
export interface ReadMediaService {
  readonly service: MediaService;
  readonly isLost: boolean;
}

interface Stored {
  readonly open: MediaService;
  readonly sealed?: string;
}

/** A service as it is stored: its secret sealed with the first key, bound to the domain and to where it is sent. */
export function writeMediaService(service: MediaService, domain: string, keyring: Keyring): string {
  const open = { ...service, secret: "" };
  if (service.secret === "") return JSON.stringify({ open } satisfies Stored);
  const sealed = keyring.seal("media-secret", service.secret, contextOf(service, domain));
  return JSON.stringify({ open, sealed } satisfies Stored);
}

/** @param keyring undefined if there is no key, so that no secret can be opened */
export function readMediaService(stored: string, domain: string, keyring: Keyring | undefined): ReadMediaService {
  const { open, sealed } = JSON.parse(stored) as Stored;
  if (sealed === undefined) return { service: open, isLost: false };
  const secret = keyring?.open("media-secret", sealed, contextOf(open, domain));
  return secret === undefined ? { service: open, isLost: true } : { service: { ...open, secret }, isLost: false };
}

function contextOf({ url }: MediaService, domain: string): string {
  return `${domain} ${url}`;
}
