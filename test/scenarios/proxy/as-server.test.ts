import { afterEach, describe, expect, it } from "vitest";
import { header } from "../../support/received-message.ts";
import { watch } from "../../support/watching.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** Sends a request that we answer ourselves; returns its status. */
type Sends = (lines: readonly string[], body: string) => Promise<number>;

const pidf = '<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:alice@example.com"/>';
const shared = (method: string, uri: string) => [
  "From: <sip:alice@example.com>;tag=a",
  `To: <${method === "REGISTER" ? "sip:alice@example.com" : uri}>`,
  `Call-ID: as-server-${method}`,
  `CSeq: 1 ${method}`,
  "Contact: <sip:alice@phone.invalid;transport=ws>",
];

async function asked(method: string, uri: string, lines: readonly string[], body: string): Promise<number> {
  const sent = scenario.alice.sends(method, uri, [...shared(method, uri), ...lines], body);
  await scenario.world.settle();
  return sent.final;
}

const methods: Readonly<Record<string, Sends>> = {
  REGISTER: (lines, body) => asked("REGISTER", "sip:example.com", lines, body),
  OPTIONS: (lines, body) => asked("OPTIONS", "sip:example.com", lines, body),
  SUBSCRIBE: (lines, body) => asked("SUBSCRIBE", "sip:bob@example.com", ["Event: presence", ...lines], body),
  "SUBSCRIBE within its dialog": async (lines, body) => {
    const watching = watch(scenario.alice, scenario.bob.aor);
    await scenario.world.settle();
    watching.refresh(600, lines, body);
    await scenario.world.settle();
    return watching.status();
  },
  PUBLISH: (lines, body) => {
    const content = lines.some((line) => line.startsWith("Content-Type")) ? [] : ["Content-Type: application/pidf+xml"];
    return asked("PUBLISH", "sip:alice@example.com", ["Event: presence", ...content, ...lines], body === "" ? pidf : body);
  },
};

const checks: readonly (readonly [string, readonly string[], string, number, string, string | undefined])[] = [
  ["an unknown Require: 420", ["Require: foo"], "", 420, "unsupported", "foo"],
  ["a body of another type: 415", ["Content-Type: text/plain"], "x", 415, "accept", undefined],
  ["no more hops left: it is answered all the same", ["Max-Forwards: 0"], "", 200, "unsupported", undefined],
];
const table = Object.keys(methods).flatMap((method) => checks.map((check) => [method, ...check] as const));

describe("where we are the server (RFC 3261 §8.2)", () => {
  it.each(table)("%s with %s", async (method, _check, lines, body, status, name, value) => {
    scenario = await startScenario();
    expect(await methods[method]?.(lines, body)).toBe(status);
    if (status === 200) return;
    const refusal = scenario.alice.last(status);
    expect(header(refusal, name)).toBe(value ?? (method === "PUBLISH" ? "application/pidf+xml, application/pidf-diff+xml" : ""));
  });

  it("a compressed body is refused with 415, and which encoding would do is told", async () => {
    scenario = await startScenario();
    expect(await methods["PUBLISH"]?.(["Content-Encoding: gzip"], "x")).toBe(415);
    expect(header(scenario.alice.last(415), "accept-encoding")).toBe("identity");
  });

  it("event state of a phone, and of a package that is none of ours, is forwarded, and so has hops left or draws 483", async () => {
    scenario = await startScenario();
    expect(await asked("SUBSCRIBE", "sip:bob@example.com", ["Event: refer", "Max-Forwards: 0"], "")).toBe(483);
  });

  it("OPTIONS is told all that RFC 3261 §11.2 asks for", async () => {
    scenario = await startScenario();
    expect(await methods["OPTIONS"]?.([], "")).toBe(200);
    const answer = scenario.alice.last(200, "OPTIONS");
    for (const name of ["accept", "accept-encoding", "accept-language", "allow", "allow-events", "supported"])
      expect([name, header(answer, name)]).toEqual([name, expect.stringMatching(/\S/)]);
  });

  it.each([
    ["an unknown package", ["Event: foo"]],
    ["one that is not published", ["Event: dialog"]],
    ["none", []],
    ["one that is malformed", ["Event: ;id=1"]],
  ])("PUBLISH with an Event of %s draws 489 with Allow-Events (RFC 3903 §6)", async (_what, lines) => {
    scenario = await startScenario();
    expect(await asked("PUBLISH", "sip:alice@example.com", lines, "")).toBe(489);
    expect(header(scenario.alice.last(489), "allow-events")).toBe("presence");
  });
});

describe("a route that redirects (RFC 3261 §8.3)", () => {
  it.each([
    ["elsewhere is followed by 302", "sip:desk@elsewhere.example", 302],
    ["to the address itself is refused: 404, and not the same for ever", "sip:bob@example.com", 404],
  ])("%s", async (_what, uri, status) => {
    scenario = await startScenario();
    scenario.world.route("moved", { order: 1, match: { user: { prefix: "bob" } }, action: { kind: "redirect", status: 302, uri } });
    expect(await asked("INVITE", "sip:bob@example.com", [], "")).toBe(status);
  });
});
