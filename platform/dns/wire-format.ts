import { type Answer as Resource, decode, type DecodedPacket, encode, RECURSION_DESIRED, type SoaAnswer } from "dns-packet";
import { type Answer, canonicalName, type Question, type ResourceRecord } from "../../lib/routing/question.ts";

/** A longer chain of aliases counts as a loop. */
const maxAliases = 8;
/** Maximum seconds that a negative answer is cached (RFC 2308 §5: "one to three hours"). */
const maxAbsence = 10_800;

/** A question in wire format, for the body of an HTTP request; the same question is the same octets (RFC 8484 §4.1). */
export function encodeQuestion({ name, type }: Question): Uint8Array {
  return encode({ type: "query", id: 0, flags: RECURSION_DESIRED, questions: [{ name, type, class: "IN" }] });
}

/** The answer to a question in a message in wire format. A malformed or truncated message, or one for another question, is a failure. */
export function decodeAnswer(question: Question, octets: ArrayBuffer): Answer {
  const message = decoded(octets);
  if (message === undefined || !answers(message, question)) return { kind: "failed" };
  const code = (message.flags ?? 0) & 0xf;
  if (code === nameError) return noneOf(message);
  if (code !== noError) return { kind: "failed" };
  return recordsOf(message, question);
}

// RFC 1035 §4.1.1
const noError = 0;
const nameError = 3;

/** Undefined if it is malformed: the parser throws errors of several kinds, or reads too far or not far enough. */
function decoded(octets: ArrayBuffer): DecodedPacket | undefined {
  try {
    const message = decode(Buffer.from(octets));
    return decode.bytes === octets.byteLength ? message : undefined;
  } catch {
    return undefined;
  }
}

function answers(message: DecodedPacket, { name, type }: Question): boolean {
  const [echo, ...more] = message.questions ?? [];
  if (!message.flag_qr || message.flag_tc || echo === undefined || more.length > 0) return false;
  return canonicalName(echo.name) === name && echo.type === type && echo.class === "IN";
}

/** The records under the name, or under the name that it is an alias of (RFC 1034 §3.6.2); those of other names are ignored. */
function recordsOf(message: DecodedPacket, { name, type }: Question): Answer {
  let owner = name;
  let ttl = Number.POSITIVE_INFINITY;
  for (let step = 0; step <= maxAliases; step += 1) {
    const resources = (message.answers ?? []).filter((resource) => canonicalName(resource.name) === owner);
    const found = resources.filter((resource) => resource.type === type);
    if (found.length > 0) return { kind: "records", records: found.flatMap(recordOf), ttl: Math.min(ttl, ...found.map(ttlOf)) };
    const alias = resources.find((resource) => resource.type === "CNAME");
    if (alias?.type !== "CNAME") return noneOf(message);
    ttl = Math.min(ttl, ttlOf(alias));
    owner = canonicalName(alias.data);
  }
  return { kind: "failed" };
}

function recordOf(resource: Resource): readonly ResourceRecord[] {
  if (resource.type === "A" || resource.type === "AAAA") return [{ type: resource.type, address: resource.data }];
  if (resource.type === "NAPTR") return [{ type: "NAPTR", ...resource.data }];
  if (resource.type !== "SRV") return [];
  const { priority = 0, weight = 0, port, target } = resource.data;
  return [{ type: "SRV", priority, weight, port, target }];
}

/** RFC 2181 §8: one with the highest bit set counts as zero. */
function ttlOf(resource: Resource): number {
  const ttl = "ttl" in resource ? (resource.ttl ?? 0) : 0;
  return ttl > 0x7fff_ffff ? 0 : ttl;
}

/** RFC 2308 §5: cached for the smaller of the SOA record's own and last field; without one not at all. */
function noneOf(message: DecodedPacket): Answer {
  const authority = message.authorities?.find((resource): resource is SoaAnswer => resource.type === "SOA");
  const ttl = authority === undefined ? 0 : Math.min(ttlOf(authority), authority.data.minimum ?? 0, maxAbsence);
  return { kind: "none", ttl };
}
