import { isFault } from "../syntax/fault.ts";
import { type Request, hasHeader, headerValue, headerValues } from "../syntax/message.ts";
import { parameter, parseParameters } from "../syntax/parameters.ts";
import { type FeatureSet, featureSet, featureSetOf, haveCommonValue, tokenFeature } from "./feature-set.ts";
import type { Target } from "./response-context/target-set.ts";

/** One Accept-Contact value. */
interface Wanted {
  readonly features: FeatureSet;
  readonly isRequired: boolean;
  readonly isExplicit: boolean;
}

/** A target, and how well it matches the caller's preferences: 0 to 1. */
export interface Preferred<T> {
  readonly target: T;
  readonly preference: number;
}

/**
 * Drops the targets that the caller rejects, or that lack what the caller requires, and sorts those of equal q by how well they match (RFC
 * 3841 §7.2). Targets without feature parameters are immune.
 * @param targets best first
 */
export function preferTargets<T extends Target>(request: Request, targets: readonly T[]): Preferred<T>[] {
  const isExplicit = hasHeader(request, "accept-contact") || hasHeader(request, "reject-contact");
  // The usual case: neither the caller nor a phone states anything.
  if (!isExplicit && targets.every(({ features = "" }) => !/;(?:methods|events)=/i.test(features))) {
    return targets.map((target) => ({ target, preference: 1 }));
  }
  const wanted = isExplicit ? readPredicates(request, "accept-contact") : [implicitly(request)];
  const rejected = readPredicates(request, "reject-contact");
  const preferred = targets.flatMap((target) => {
    const features = featureSetOf(target.features ?? "");
    if (features.size === 0) return [{ target, preference: 1 }];
    if (rejected.some((predicate) => isRejected(features, predicate.features))) return [];
    const scores = wanted.map((predicate) => score(features, predicate));
    if (scores.includes(undefined)) return [];
    const sum = scores.reduce<number>((total, one) => total + (one ?? 0), 0);
    return [{ target, preference: scores.length === 0 ? 1 : sum / scores.length }];
  });
  return preferred.sort((one, other) => other.target.q - one.target.q || other.preference - one.preference);
}

/** Values of one header that are read: each is compared with each target. */
const maxPredicates = 32;

function readPredicates(request: Request, name: "accept-contact" | "reject-contact"): Wanted[] {
  return headerValues(request, name)
    .slice(0, maxPredicates)
    .flatMap((value) => {
      const semicolon = value.indexOf(";");
      const parameters = parseParameters(semicolon < 0 ? "" : value.slice(semicolon));
      if (isFault(parameters)) return [];
      const has = (tag: string) => parameter(parameters, tag) !== undefined;
      return [{ features: featureSet(parameters), isRequired: has("require"), isExplicit: has("explicit") }];
    });
}

/**
 * RFC 3841 §7.2.2: without explicit preferences the caller wants a phone that supports the method of the request, and its event package.
 */
function implicitly(request: Request): Wanted {
  const features = new Map([["methods", tokenFeature(request.method)]]);
  const event = headerValue(request, "event")?.split(";")[0]?.trim();
  if (event !== undefined && (request.method === "SUBSCRIBE" || request.method === "NOTIFY")) features.set("events", tokenFeature(event));
  return { features, isRequired: true, isExplicit: false };
}

/** RFC 3841 §7.2.4: a contact is rejected if it declares every rejected feature. */
function isRejected(contact: FeatureSet, rejected: FeatureSet): boolean {
  return rejected.size > 0 && [...rejected].every(([name, values]) => haveCommonValue(contact.get(name) ?? [], values));
}

/** RFC 3841 §7.2.4: the share of the wanted features that the contact declares; undefined drops the contact. */
function score(contact: FeatureSet, { features, isRequired, isExplicit }: Wanted): number | undefined {
  const mentioned = [...features].filter(([name]) => contact.has(name));
  const isMatch = mentioned.every(([name, values]) => haveCommonValue(contact.get(name) ?? [], values));
  const isEnough = isMatch && (!isExplicit || mentioned.length === features.size);
  if (!isEnough) return isRequired ? undefined : 0;
  return features.size === 0 ? 1 : mentioned.length / features.size;
}
