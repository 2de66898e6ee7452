import { expect, it } from "vitest";
import { viaMarks } from "../../../../lib/proxy/outgoing-request.ts";

it.each([
  ["TCP", ";rport;alias", "may be used in both directions (RFC 5923 §8.1)"],
  ["TLS", ";rport", "may not, without a certificate of ours (RFC 5923 §9.2)"],
  ["WSS", "", "has no address to be told (RFC 7118 §5)"],
  ["WS", "", "has none either"],
  [undefined, "", "of a phone has none either"],
] as const)("our Via over %s says %j: the connection %s", (transport, marks, _why) => {
  expect(viaMarks(transport)).toBe(marks);
});
