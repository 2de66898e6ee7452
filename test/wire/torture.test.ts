import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Phone } from "../support/phone.ts";
import { startServerUnderTest, type ServerUnderTest } from "../support/server-under-test.ts";
import { rfc4475Messages } from "../torture/rfc4475-messages.ts";
import { rfc5118Messages } from "../torture/rfc5118-messages.ts";

/**
 * What a registered phone hears when it sends each message of RFC 4475 and RFC 5118: what is well formed draws 403, since it names
 * somebody else as its sender or another server as its way, or what its purpose is; what is not draws its fault.
 */
const answers: Readonly<Record<string, readonly string[]>> = {
  400: [
    "badaspec",
    "baddn",
    "badinv01",
    "clerr",
    "insuf",
    "ltgtruri",
    "lwsruri",
    "lwsstart",
    "mcl01",
    "mismatch01",
    "mismatch02",
    "multi01",
    "ncl",
    "quotbal",
    "scalar02",
    "trws",
    "ipv6-bad",
  ],
  403: [
    "badbranch",
    "baddate",
    "cparam01",
    "cparam02",
    "dblreq",
    "esc01",
    "esc02",
    "escnull",
    "escruri",
    "intmeth",
    "inv2543",
    "invut",
    "longreq",
    "lwsdisp",
    "mpart01",
    "regaut01",
    "regbadct",
    "regescrt",
    "sdp01",
    "semiuri",
    "transports",
    "unksm2",
    "wsinv",
    "ipv4-mapped-ipv6",
    "ipv6-bug-abnf-3-colons",
    "ipv6-correct-abnf-2-colons",
    "ipv6-good",
    "ipv6-in-sdp",
    "mult-ip-in-header",
    "mult-ip-in-sdp",
    "port-ambiguous",
    "port-unambiguous",
    "via-received-param-no-delim",
    "via-received-param-with-delim",
  ],
  416: ["novelsc", "unkscm"],
  420: ["bext01"],
  483: ["zeromf"],
  505: ["badvers"],
  silence: ["bcast", "bigcode", "noreason", "scalarlg", "unreason"],
};
const messages = { ...rfc4475Messages, ...rfc5118Messages };
const rows = Object.entries(answers).flatMap(([answer, names]) => names.map((name) => [name, answer] as const));

let serverUnderTest: ServerUnderTest;
let phone: Phone;
beforeAll(async () => {
  serverUnderTest = await startServerUnderTest();
  phone = await serverUnderTest.register(await serverUnderTest.newcomer("alice"), "direct");
});
afterAll(() => serverUnderTest.close());

describe("torture on the wire", () => {
  it("is all of RFC 4475 (49) and RFC 5118 (12)", () => {
    expect(rows.map(([name]) => name).sort()).toEqual(Object.keys(messages).sort());
    expect(rows).toHaveLength(61);
  });

  it.each(rows)("%s draws %s, and the connection goes on", async (name, answer) => {
    phone.socket.send(Buffer.from(messages[name] ?? "", "latin1"));
    const sent = phone.request("OPTIONS", "sip:localhost");
    expect((await phone.finalResponse(sent)).status).toBe(200);
    const heard = phone.socket.rest().map(({ status }) => String(status));
    for (const status of heard) await phone.next(Number(status));
    expect(heard).toEqual(answer === "silence" ? [] : [answer]);
  });
});
