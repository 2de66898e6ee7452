import type { PhoneId } from "../transport/identifiers.ts";
import { countElements } from "./xml.ts";
import { type Fault, fault, isFault, limitReached } from "../syntax/fault.ts";
import { parseDeltaSeconds } from "../syntax/integers.ts";
import { type Request, headerValue } from "../syntax/message.ts";

/** A published event state, as stored in its row (RFC 3903 §4). */
export interface Publication {
  readonly event: string;
  /** Its first entity-tag: constant during the publication. */
  readonly id: string;
  /** The entity-tag. */
  readonly tag: string;
  readonly body: string;
  /** The phone that published it; undefined for an application. */
  readonly phone: PhoneId | undefined;
  /** Milliseconds: when its body came, and when it ends. */
  readonly at: number;
  readonly expires: number;
}

export interface PublishInput {
  readonly request: Request;
  readonly event: string;
  /** The publications of the event that have not expired. */
  readonly publications: readonly Publication[];
  /** A new entity-tag. */
  readonly tag: string;
  readonly body: string;
  readonly phone: PhoneId | undefined;
  /** Milliseconds. */
  readonly now: number;
  readonly settings: PublishSettings;
  /** The document of a body, applied to the publication's previous document, with at most so many characters; or why it is refused. */
  readonly read: (type: string, body: string, stored: string | undefined, longest: number) => string | Fault;
}

export interface PublishSettings {
  /** Seconds. */
  readonly minimumExpires: number;
  readonly maximumExpires: number;
  readonly defaultExpires: number;
  /** Maximum publications of one event. */
  readonly maximumPublications: number;
  /** Characters of a body. */
  readonly maximumSize: number;
}

/** What a PUBLISH changes: `removed` is the id of a publication that ends. */
export interface PublishOutcome {
  readonly put: Publication | undefined;
  readonly removed: string | undefined;
  /** Seconds. */
  readonly expires: number;
  readonly tag: string;
}

/** Decides a PUBLISH of the user whose body type is known: RFC 3903 §6 steps 3 to 8. */
export function publish(input: PublishInput): PublishOutcome | Fault {
  const { request, publications, settings, tag, event, phone, now } = input;
  const match = headerValue(request, "sip-if-match");
  const existing = publications.find((one) => one.tag === match);
  if (match !== undefined && existing === undefined) return fault(412, "this entity-tag is unknown or no longer valid");
  const expires = expiresOf(request, settings);
  if (expires > 0 && expires < settings.minimumExpires)
    return fault(423, "the expiry is too short", [["Min-Expires", String(settings.minimumExpires)]]);
  if (expires === 0) return { put: undefined, removed: existing?.id, expires: 0, tag };
  const document = documentOf(input, existing);
  if (isFault(document)) return document;
  const put: Publication = {
    event,
    id: existing?.id ?? tag,
    tag,
    ...document,
    phone,
    at: document.at ?? now,
    expires: now + expires * 1000,
  };
  return { put, removed: undefined, expires, tag };
}

/** What is published from now on: the body of the request, or what a refresh without a body goes on with. */
function documentOf(
  input: PublishInput,
  existing: Publication | undefined,
): (Pick<Publication, "body"> & { readonly at?: number }) | Fault {
  const { publications, settings, body } = input;
  if (body === "")
    return existing === undefined ? fault(400, "an initial publication needs a body") : { body: existing.body, at: existing.at };
  const document = readBody(input, existing?.body);
  if (isFault(document)) return document;
  if (existing === undefined && publications.length >= settings.maximumPublications)
    return limitReached(403, "too many publications for this user");
  if (isTooMuch(document, publications, existing)) return limitReached(403, "the publications for this user are too large");
  return { body: document };
}

/** Maximum elements and characters of all publications of a user for one event: each watcher gets a document made of them. */
const maxElementsOfAll = 1000;
const maxCharactersOfAll = 131_072;

function isTooMuch(document: string, publications: readonly Publication[], replaced: Publication | undefined): boolean {
  const all = [document, ...publications.filter((one) => one !== replaced).map(({ body }) => body)];
  const elements = all.reduce((sum, body) => sum + countElements(body), 0);
  return elements > maxElementsOfAll || all.reduce((sum, { length }) => sum + length, 0) > maxCharactersOfAll;
}

/** RFC 3903 §6 step 4: without a requested duration we choose one that we would accept. */
function expiresOf(request: Request, { defaultExpires, minimumExpires, maximumExpires }: PublishSettings): number {
  const asked = parseDeltaSeconds(headerValue(request, "expires"));
  return Math.min(asked ?? Math.max(defaultExpires, minimumExpires), maximumExpires);
}

/** Maximum characters of the stored document: longer than that of a body, since each of its elements declares its namespaces. */
function maximumStored(maximumSize: number): number {
  return 2 * maximumSize + 4096;
}

function readBody({ request, settings, body, read }: PublishInput, stored: string | undefined): string | Fault {
  const { maximumSize } = settings;
  const type = headerValue(request, "content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (body.length > maximumSize) return fault(413, `event state may have at most ${maximumSize} characters`);
  return read(type, body, stored, maximumStored(maximumSize));
}
