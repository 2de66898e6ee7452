import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Answer, TRUNCATED_RESPONSE, decode, encode } from "dns-packet";

/** A DNS server over HTTPS without the S (RFC 8484, wire format), with zones as lines: `name type data …`. */
export interface DnsServer {
  readonly url: string;
  /** `sip.example A 127.0.0.1`, `sip.example SOA 30` for how long it may be kept that there is nothing; the data SERVFAIL, TRUNCATED, SILENT and LIE do as they say. */
  zone: readonly string[];
  /** What was asked, `name type`. */
  readonly asked: string[];
  close(): void;
}

export async function startDnsServer(): Promise<DnsServer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const octets: Buffer[] = [];
    request.on("data", (chunk: Buffer) => octets.push(chunk));
    request.on("end", () => {
      const answer = answerTo(Buffer.concat(octets));
      if (answer !== undefined) response.writeHead(200, { "Content-Type": "application/dns-message" }).end(answer);
    });
  });
  const dns = { url: "", zone: [] as readonly string[], asked, close: () => void server.close() };

  function answerTo(octets: Buffer): Buffer | undefined {
    const [question] = decode(octets).questions ?? [];
    if (question === undefined) return undefined;
    const { name, type } = question;
    asked.push(`${name} ${type}`);
    const lines = dns.zone.map((line) => line.split(" ")).filter(([owner, kind]) => owner === name && kind === type);
    const [special] = lines[0]?.slice(2) ?? [];
    if (special === "SILENT") return undefined;
    const isThere = dns.zone.some((line) => line.startsWith(`${name} `));
    // RFC 1035 §4.1.1: 0 all well, 2 server failure, 3 no such name.
    const code = special === "SERVFAIL" ? 2 : isThere ? 0 : 3;
    const flags = code | (special === "TRUNCATED" ? TRUNCATED_RESPONSE : 0);
    const owner = special === "LIE" ? "somebody.else" : name;
    const answers =
      special === "LIE"
        ? [recordOf(owner, type, ["192.0.2.66"])]
        : special !== undefined && /^[A-Z]+$/.test(special)
          ? []
          : lines.map(([, , ...data]) => recordOf(name, type, data));
    // RFC 2308 §3: for how long it may be kept that there is nothing.
    const [absence] = dns.zone.filter((line) => line.startsWith(`${name} SOA `)).map((line) => Number(line.split(" ")[2]));
    const data = { mname: "ns.example", rname: "admin.example", serial: 1, refresh: 1, retry: 1, expire: 1, minimum: absence ?? 0 };
    const authorities = absence === undefined ? [] : [{ name, type: "SOA" as const, ttl: absence, class: "IN" as const, data }];
    return encode({ type: "response", id: 0, flags, questions: [question], answers, authorities });
  }

  await once(server.listen(0, "127.0.0.1"), "listening");
  dns.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dns-query`;
  return dns;
}

function recordOf(name: string, type: string, data: readonly string[]): Answer {
  const [one = "", two = "", three = "", four = "", five = "", six = ""] = data.map((field) => (field === "-" ? "" : field));
  const common = { name, ttl: 1, class: "IN" as const };
  if (type === "SRV") return { ...common, type, data: { priority: Number(one), weight: Number(two), port: Number(three), target: four } };
  if (type === "NAPTR") {
    return {
      ...common,
      type,
      data: { order: Number(one), preference: Number(two), flags: three, services: four, regexp: five, replacement: six },
    };
  }
  return { ...common, type: type === "AAAA" ? "AAAA" : "A", data: one };
}
