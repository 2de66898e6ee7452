import { type Fault, fault } from "../syntax/fault.ts";
import { parseDeltaSeconds } from "../syntax/integers.ts";
import { type Request, headerValue } from "../syntax/message.ts";

/** Event state that somebody has published, as its row holds it (RFC 3903 §4). */
export interface Publication {
  readonly event: string;
  /** Its first entity-tag: the same as long as it lasts. */
  readonly id: string;
  /** The entity-tag. */
  readonly tag: string;
  readonly body: string;
  /** The phone that published it; undefined for an application. */
  readonly phone: string | undefined;
  /** Milliseconds: when its body came, and when it ends. */
  readonly at: number;
  readonly expires: number;
}

export interface PublishInput {
  readonly request: Request;
  readonly event: string;
  /** Those of the event that have not expired. */
  readonly publications: readonly Publication[];
  /** A new entity-tag. */
  readonly tag: string;
  readonly body: string;
  readonly phone: string | undefined;
  /** Milliseconds. */
  readonly now: number;
  readonly settings: PublishSettings;
  /** Whether the body can be made part of the event's state; or why not. */
  readonly check: (body: string) => Fault | undefined;
}

export interface PublishSettings {
  /** Seconds. */
  readonly minimumExpires: number;
  readonly maximumExpires: number;
  readonly defaultExpires: number;
  /** How many of one event there may be. */
  readonly maximumPublications: number;
  /** Characters of a body. */
  readonly maximumSize: number;
  /** The type of the body. */
  readonly type: string;
}

/** What a PUBLISH changes: `removed` is the id of what is not there any more. */
export interface PublishOutcome {
  readonly put: Publication | undefined;
  readonly removed: string | undefined;
  /** Seconds. */
  readonly expires: number;
  readonly tag: string;
}

/** Decides a PUBLISH of the user: RFC 3903 §6 steps 3 to 8. */
export function publish(input: PublishInput): PublishOutcome | Fault {
  const { request, publications, settings, tag, event, body, phone, now } = input;
  const match = headerValue(request, "sip-if-match");
  const existing = publications.find((one) => one.tag === match);
  if (match !== undefined && existing === undefined) return fault(412, "this entity-tag is not, or no longer, valid");
  const expires = expiresOf(request, settings);
  if (expires > 0 && expires < settings.minimumExpires)
    return fault(423, "the expiry is too short", [["Min-Expires", String(settings.minimumExpires)]]);
  if (expires === 0) return { put: undefined, removed: existing?.id, expires: 0, tag };
  if (existing === undefined && body === "") return fault(400, "an initial publication needs a body");
  const refusal = body === "" ? undefined : refuseBody(input, body);
  if (refusal !== undefined) return refusal;
  if (existing === undefined && publications.length >= settings.maximumPublications)
    return fault(503, "too many publications of this user");
  const until = now + expires * 1000;
  const id = existing?.id ?? tag;
  const [text, at] = body === "" && existing !== undefined ? [existing.body, existing.at] : [body, now];
  const put: Publication = { event, id, tag, body: text, phone, at, expires: until };
  return { put, removed: undefined, expires, tag };
}

function expiresOf(request: Request, { defaultExpires, maximumExpires }: PublishSettings): number {
  return Math.min(parseDeltaSeconds(headerValue(request, "expires")) ?? defaultExpires, maximumExpires);
}

function refuseBody({ request, settings, check }: PublishInput, body: string): Fault | undefined {
  const type = headerValue(request, "content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== settings.type) return fault(415, "event state of this type is not taken", [["Accept", settings.type]]);
  if (body.length > settings.maximumSize) return fault(413, `event state of more than ${settings.maximumSize} characters is not taken`);
  return check(body);
}
