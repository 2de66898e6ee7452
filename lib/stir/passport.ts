import { type Fault, fault } from "../syntax/fault.ts";
import { toText } from "../syntax/octets.ts";
import type { Attestation } from "../transport/verification.ts";
import type { PassportIdentity } from "./telephone-identity.ts";

const attestations = ["A", "B", "C"] as const satisfies readonly Attestation[];

/** The fingerprint of a media certificate (RFC 8225 §5.2.2): `dig` is in hexadecimal digits without colons. */
export interface MediaKey {
  readonly alg: string;
  readonly dig: string;
}

/** What a PASSporT claims (RFC 8225 §5.2). */
export interface Claims {
  readonly orig: PassportIdentity;
  readonly dest: readonly PassportIdentity[];
  /** Seconds since 1970. */
  readonly iat: number;
  readonly mky?: readonly MediaKey[];
  /** Of the type `shaken` (RFC 8588). */
  readonly attest?: Attestation;
  readonly origid?: string;
  /** Of the type `div`: who was called before (RFC 8946 §3). */
  readonly div?: PassportIdentity;
}

/** A PASSporT that is to be signed: the protected header and the claims as JSON, as they are signed. */
export interface UnsignedPassport {
  /** Its members in the order that they are signed in. */
  readonly header: { readonly alg: "ES256"; readonly ppt?: string; readonly typ: "passport"; readonly x5u: string };
  readonly claims: string;
}

/** Builds a PASSporT in its deterministic form (RFC 8225 §9): members by name, no spaces. @param ppt undefined for the plain type */
export function buildPassport(claims: Claims, x5u: string, ppt: string | undefined): UnsignedPassport {
  const header = { alg: "ES256", ...(ppt === undefined ? {} : { ppt }), typ: "passport", x5u } as const;
  const { attest, dest, div, iat, mky, orig, origid } = claims;
  const tn = dest.flatMap((one) => ("tn" in one ? [one.tn] : []));
  const uri = dest.flatMap((one) => ("uri" in one ? [one.uri] : []));
  const destinations = { ...(tn.length === 0 ? {} : { tn }), ...(uri.length === 0 ? {} : { uri }) };
  return { header, claims: JSON.stringify({ attest, dest: destinations, div, iat, mky, orig, origid }) };
}

/** Elements of a list, and characters of a text. */
const [maxElements, maxText] = [20, 256] as const;

/**
 * Reads a full PASSporT.
 * @param header the protected header as JSON, in octets
 * @param claims the payload as JSON, in octets
 * @param expected what the Identity header says of it (RFC 8224 §4.1)
 */
export function readPassport(header: string, claims: string, expected: { readonly info: string; readonly ppt?: string }): Claims | Fault {
  const { alg, typ, x5u, ppt } = membersOf(header) ?? {};
  if (alg !== "ES256") return fault(437, "a PASSporT is not signed with ES256");
  if (typeof typ !== "string" || typ.toLowerCase() !== "passport") return invalid("its typ is not passport");
  if (x5u !== expected.info) return invalid("its x5u is not the URL in the parameter info");
  if (ppt !== expected.ppt) return invalid("its ppt is not that of the Identity header");
  const members = membersOf(claims);
  return members === undefined ? invalid("its claims are not JSON") : readClaims(members, expected.ppt);
}

function readClaims({ orig, dest, iat, mky, attest, origid, div }: Members, ppt: string | undefined): Claims | Fault {
  const caller = isMembers(orig) ? identitiesIn(orig) : [];
  const called = isMembers(dest) ? identitiesIn(dest) : [];
  const [from] = caller;
  // The examples of RFC 8224 and RFC 8588 write the time as a text.
  const at = typeof iat === "string" && /^\d{1,15}$/.test(iat) ? Number(iat) : iat;
  if (from === undefined || caller.length > 1) return invalid("it does not have one caller in orig");
  if (called.length === 0) return invalid("its dest is empty");
  if (typeof at !== "number" || !Number.isSafeInteger(at)) return invalid("its iat is not a time");
  const keys = mky === undefined ? undefined : mediaKeysIn(mky);
  if (mky !== undefined && keys === undefined) return invalid("its mky is malformed");
  const base = { orig: from, dest: called, iat: at, ...(keys === undefined ? {} : { mky: keys }) };
  if (ppt === "shaken") return readShaken(base, attest, origid);
  if (ppt !== "div") return base;
  const [before] = isMembers(div) ? identitiesIn(div) : [];
  return before === undefined ? invalid("it does not say in div who was called before") : { ...base, div: before };
}

function readShaken(base: Claims, attest: unknown, origid: unknown): Claims | Fault {
  const attestation = attestations.find((one) => one === attest);
  if (attestation === undefined) return invalid("its attest is not A, B or C");
  if (typeof origid !== "string" || !/^[\w-]{1,64}$/.test(origid)) return invalid("its origid is not a UUID");
  return { ...base, attest: attestation, origid };
}

type Members = Readonly<Record<string, unknown>>;

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function membersOf(octets: string): Members | undefined {
  const text = toText(octets);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isMembers(value) ? value : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

function identitiesIn({ tn, uri }: Members): readonly PassportIdentity[] {
  const texts = (value: unknown): string[] =>
    (Array.isArray(value) ? value : [value])
      .slice(0, maxElements)
      .filter((one): one is string => typeof one === "string" && one !== "" && one.length <= maxText);
  return [...texts(tn).map((one) => ({ tn: one })), ...texts(uri).map((one) => ({ uri: one }))];
}

function mediaKeysIn(mky: unknown): readonly MediaKey[] | undefined {
  const list: readonly unknown[] = Array.isArray(mky) ? mky.slice(0, maxElements) : [mky];
  const keys = list.flatMap((one): MediaKey[] => {
    if (!isMembers(one)) return [];
    const { alg, dig } = one;
    return typeof alg === "string" && typeof dig === "string"
      ? [{ alg: alg.toLowerCase(), dig: dig.replaceAll(":", "").toUpperCase() }]
      : [];
  });
  return keys.length === list.length ? keys : undefined;
}

function invalid(why: string): Fault {
  return fault(438, `a PASSporT is invalid: ${why}`);
}
