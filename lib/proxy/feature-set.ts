import { isFault } from "../syntax/fault.ts";
import { type Parameters, parseParameters, unquote } from "../syntax/parameters.ts";

/** What a phone supports, or what a caller wants: each feature with its values (RFC 3840 §5). */
export type FeatureSet = ReadonlyMap<string, readonly FeatureValue[]>;

type FeatureValue =
  | { readonly kind: "token"; readonly text: string; readonly isNegated: boolean }
  | { readonly kind: "string"; readonly text: string; readonly isNegated: boolean }
  | { readonly kind: "number"; readonly least: number; readonly most: number; readonly isNegated: boolean };

/** The feature tags that are written without a plus (RFC 3840 §9). */
const baseTags = new Set(
  "audio,automata,class,duplex,data,control,mobility,description,events,priority,methods,schemes,application,video,language,type,isfocus,actor,text,extensions".split(
    ",",
  ),
);

/** The features among the parameters of a Contact, Accept-Contact or Reject-Contact. */
export function featureSet(parameters: Parameters): FeatureSet {
  const features = new Map<string, readonly FeatureValue[]>();
  for (const [written, value] of parameters) {
    const name = written.toLowerCase();
    if (baseTags.has(name) || name.startsWith("+")) features.set(name.replace(/^\+(?=sip\.)/, ""), readValues(value));
  }
  return features;
}

/** Of a Contact's parameters as text: `;audio;methods="INVITE,ACK"`. */
export function featureSetOf(parameters: string): FeatureSet {
  const parsed = parseParameters(parameters);
  return isFault(parsed) ? new Map<string, readonly FeatureValue[]>() : featureSet(parsed);
}

/** Whether some value matches both (RFC 2533 §3.1). */
export function haveCommonValue(one: readonly FeatureValue[], other: readonly FeatureValue[]): boolean {
  return one.some((value) => other.some((another) => areCompatible(value, another)));
}

/** The value of one feature that a target is required to have. */
export function tokenFeature(...tokens: readonly string[]): readonly FeatureValue[] {
  return tokens.map((text) => ({ kind: "token", text: text.toLowerCase(), isNegated: false }));
}

/** Per feature: each value is compared with each of the other set. */
const maxValues = 64;

/** RFC 3840 §9: no value means true; a quoted string is a list of tokens, numbers with `#`, or one string in angle brackets. */
function readValues(value: string | undefined): readonly FeatureValue[] {
  if (value === undefined) return tokenFeature("true");
  const text = unquote(value);
  if (text.startsWith("<") && text.endsWith(">")) return [{ kind: "string", text: text.slice(1, -1), isNegated: false }];
  return text.split(",", maxValues).map((element) => readElement(element.trim()));
}

function readElement(element: string): FeatureValue {
  const isNegated = element.startsWith("!");
  const text = isNegated ? element.slice(1) : element;
  if (!text.startsWith("#")) return { kind: "token", text: text.toLowerCase(), isNegated };
  const number = text.slice(1);
  if (number.startsWith(">=")) return { kind: "number", least: Number(number.slice(2)), most: Number.POSITIVE_INFINITY, isNegated };
  if (number.startsWith("<=")) return { kind: "number", least: Number.NEGATIVE_INFINITY, most: Number(number.slice(2)), isNegated };
  const [least = "", most = least] = number.replace(/^=/, "").split(":");
  return { kind: "number", least: Number(least), most: Number(most), isNegated };
}

function areCompatible(one: FeatureValue, other: FeatureValue): boolean {
  if (one.kind !== other.kind) return one.isNegated || other.isNegated;
  const overlap =
    one.kind === "number" && other.kind === "number"
      ? one.least <= other.most && other.least <= one.most
      : one.kind !== "number" && other.kind !== "number" && one.text === other.text;
  if (one.isNegated && other.isNegated) return true;
  return one.isNegated || other.isNegated ? !overlap : overlap;
}
