import { afterEach, describe, expect, it } from "vitest";
import { dialogOfCaller } from "../../support/dialog.ts";
import { addresses, header, headers, uriIn } from "../../support/received-message.ts";
import { type Scenario, type ScenarioOptions, startScenario, startTalking } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

async function talking(options: ScenarioOptions = {}): Promise<Scenario> {
  scenario = await startTalking(options);
  return scenario;
}

describe("what a forwarded request looks like (RFC 3261 §16.6)", () => {
  async function heard(lines: readonly string[] = []) {
    scenario = await startScenario();
    scenario.alice.invites(scenario.bob.aor, lines);
    await scenario.world.settle();
    return scenario.bob.last("INVITE");
  }

  it("step 2: the Request-URI is the phone's contact", async () => {
    expect((await heard()).requestUri).toBe(uriIn(scenario.bob.contact));
  });

  it("step 3: Max-Forwards is one less", async () => {
    expect(header(await heard(), "max-forwards")).toBe("69");
  });

  it("step 3: Max-Forwards is added where it is missing", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    alice.asks("OPTIONS", bob.aor, ["Max-Forwards: 10"]);
    await world.settle();
    expect(header(bob.last("OPTIONS"), "max-forwards")).toBe("9");
  });

  it("step 4: Record-Route is one of ours, loose", async () => {
    const [route, ...more] = addresses(await heard(), "record-route");
    expect([more, /^<sip:route\..+@example\.com;transport=ws;lr>$/.test(route ?? "")]).toEqual([[], true]);
  });

  it("step 8: a Via of ours stands on top, with the magic cookie", async () => {
    const [own, caller, ...more] = headers(await heard(), "via");
    expect([own?.startsWith("SIP/2.0/WSS example.com;branch=z9hG4bK"), caller?.includes(scenario.alice.host), more]).toEqual([
      true,
      true,
      [],
    ]);
  });

  it("Contact, body and what is not known stay as they were (§16.6 step 1)", async () => {
    const lines = ["X-Customer: 42", "Join: a@b;to-tag=1;from-tag=2", "Replaces: c@d;to-tag=3;from-tag=4"];
    const invite = await heard(lines);
    expect(header(invite, "contact")).toBe(scenario.alice.contact);
    expect([header(invite, "x-customer"), header(invite, "join"), header(invite, "replaces")]).toEqual([
      "42",
      "a@b;to-tag=1;from-tag=2",
      "c@d;to-tag=3;from-tag=4",
    ]);
    expect(invite.body).toContain("m=audio");
  });

  it("credentials and asserted identities do not get through (RFC 3261 §22.3, RFC 3325 §5)", async () => {
    const invite = await heard(['Proxy-Authorization: Digest username="alice"', "P-Asserted-Identity: <sip:ceo@example.com>"]);
    expect([headers(invite, "proxy-authorization"), headers(invite, "p-asserted-identity")]).toEqual([[], []]);
  });
});

describe("what is refused (RFC 3261 §16.3)", () => {
  it.each([
    ["Max-Forwards of zero: 483", ["Max-Forwards: 0"], 483],
    ["Proxy-Require of what is not known: 420", ["Proxy-Require: frobnication"], 420],
    ["a Route to another server: 403", ["Route: <sip:elsewhere.example;lr>"], 403],
  ])("%s", async (_name, lines, status) => {
    scenario = await startScenario();
    const sent = scenario.alice.asks("OPTIONS", scenario.bob.aor, lines);
    await scenario.world.settle();
    expect(sent.final).toBe(status);
  });

  it("420 names what is not supported", async () => {
    scenario = await startScenario();
    scenario.alice.asks("OPTIONS", scenario.bob.aor, ["Proxy-Require: one, two"]);
    await scenario.world.settle();
    expect(header(scenario.alice.last(420), "unsupported")).toBe("one, two");
  });

  it("Max-Forwards of zero is enough for OPTIONS to ourselves (§16.3 step 3)", async () => {
    scenario = await startScenario();
    const sent = scenario.alice.asks("OPTIONS", "sip:example.com", ["Max-Forwards: 0"]);
    await scenario.world.settle();
    expect(sent.final).toBe(200);
  });

  it("a From that is somebody else: 403", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    const lines = [`From: <${bob.aor}>;tag=1`, `To: <${bob.aor}>`, "Call-ID: forged", "CSeq: 1 OPTIONS"];
    const sent = alice.sends("OPTIONS", bob.aor, lines);
    await world.settle();
    expect([sent.final, bob.all("OPTIONS").length]).toEqual([403, 0]);
  });
});

describe("loops and spirals (RFC 3261 §16.3 step 4, RFC 5393)", () => {
  it("a request that comes back unchanged is a loop: 482", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    alice.asks("OPTIONS", bob.aor);
    await world.settle();
    const vias = headers(bob.last("OPTIONS"), "via").map((via) => `Via: ${via}`);
    const heard = bob.last("OPTIONS");
    const copied = ["from", "to", "call-id", "cseq"].map((name) => `${name}: ${header(heard, name)}`);
    const again = alice.sends("OPTIONS", bob.aor, [...vias, ...copied]);
    await world.settle();
    expect(again.final).toBe(482);
  });

  it("one whose Request-URI has changed is a spiral, and passes", async () => {
    scenario = await startScenario({ rules: { bob: { forward: { always: "sip:carol@example.com" } } } });
    const carol = await scenario.joins("carol");
    scenario.alice.invites(scenario.bob.aor);
    await scenario.world.settle();
    expect(carol.state).toBe("ringing");
  });

  it("three who send calls round end by 482, without a storm", async () => {
    const to = (name: string) => ({ forward: { always: `sip:${name}@example.com` } });
    scenario = await startScenario({ rules: { bob: to("carol"), carol: to("dave"), dave: to("bob") } });
    const before = scenario.world.steps;
    scenario.alice.invites(scenario.bob.aor);
    await scenario.world.settle();
    expect(scenario.alice.state).toBe("ended 482");
    expect(scenario.world.steps - before).toBeLessThan(60);
  });

  it("a call to oneself does not ring the phone that calls", async () => {
    scenario = await startScenario();
    const second = await scenario.joins("alice");
    scenario.alice.invites(scenario.alice.aor);
    await scenario.world.settle();
    expect([second.state, scenario.alice.all("INVITE").length]).toEqual(["ringing", 0]);
  });
});

describe("within a dialog (RFC 3261 §12.2, §16.4)", () => {
  it("a request follows the route, and the Request-URI stays the other's contact", async () => {
    const { alice, bob, world } = await talking();
    alice.hangsUp();
    await world.settle();
    const bye = bob.last("BYE");
    expect([bye.requestUri, headers(bye, "route")]).toEqual([uriIn(bob.contact), []]);
  });

  it("requests of a strict router, which put the route into the Request-URI, get through (§16.4)", async () => {
    const { alice, bob, world } = await talking();
    const dialog = dialogOfCaller(alice.last(200, "INVITE"));
    const strict = { ...dialog, target: uriIn(dialog.routes[0]), routes: [`<${dialog.target}>`] };
    const sent = alice.within("INFO", strict);
    await world.settle();
    expect([sent.final, bob.last("INFO").requestUri]).toEqual([200, uriIn(bob.contact)]);
  });

  it("re-INVITE, INFO and UPDATE pass both ways", async () => {
    const { alice, bob, world } = await talking();
    for (const method of ["INVITE", "INFO", "UPDATE"]) {
      for (const desk of [alice, bob]) {
        const { dialog } = desk.call;
        if (dialog === undefined) throw new Error("there is no dialog");
        const sent = desk.within(method, dialog, [`Contact: ${desk.contact}`]);
        await world.settle();
        expect([method, desk.account, sent.final]).toEqual([method, desk.account, 200]);
      }
    }
  });

  it("the CANCEL of a re-INVITE follows it (§16.11)", async () => {
    const { alice, bob, world } = await talking({ bob: { isManual: true } });
    const { dialog } = alice.call;
    if (dialog === undefined) throw new Error("there is no dialog");
    const again = alice.within("INVITE", dialog, [`Contact: ${alice.contact}`]);
    await world.settle();
    const lines = again.lines.filter((line) => /^(From|To|Call-ID|Route):/.test(line));
    alice.sends("CANCEL", again.uri, [...lines, `CSeq: ${dialog.cseq - 1} CANCEL`], "", again.branch);
    await world.settle();
    expect(bob.all("CANCEL")).toHaveLength(1);
  });

  it("a stranger with a stolen route is refused: 403", async () => {
    const { alice, world, joins } = await talking();
    const dave = await joins("dave");
    const dialog = dialogOfCaller(alice.last(200, "INVITE"));
    const sent = dave.within("BYE", dialog);
    await world.settle();
    expect([sent.final, alice.state]).toEqual([403, "talking"]);
  });

  it("a route of another call is dropped: the request is refused as if it had none", async () => {
    const { alice, bob, world } = await talking();
    const dialog = dialogOfCaller(alice.last(200, "INVITE"));
    const sent = alice.within("BYE", { ...dialog, callId: "another" });
    await world.settle();
    expect([sent.final >= 400, bob.state]).toEqual([true, "talking"]);
  });

  it("a request for a phone that is away waits for it", async () => {
    const { alice, bob, world } = await talking();
    bob.leaves();
    await world.settle();
    alice.hangsUp();
    await world.settle();
    await world.pass(10);
    await bob.comesOnline();
    expect(bob.state).toBe("ended by bye");
  });

  it("a request for a phone that does not return draws 480 before its sender has given up", async () => {
    const { alice, bob, world } = await talking();
    bob.leaves();
    await world.settle();
    alice.hangsUp();
    await world.settle();
    await world.pass(31);
    expect(alice.all(480, "BYE")).toHaveLength(1);
  });

  it("a request for a phone that nobody expects back draws 480 at once (RFC 5626 §5.3)", async () => {
    const { alice, bob, world } = await talking();
    bob.leaves();
    await world.settle();
    await world.pass(31);
    alice.hangsUp();
    await world.settle();
    expect(alice.all(480, "BYE")).toHaveLength(1);
  });
});

describe("GRUUs (RFC 5627)", () => {
  const gruuOf = (desk: Scenario["bob"], kind: "pub-gruu" | "temp-gruu"): string => {
    const own = headers(desk.last(200, "REGISTER"), "contact").find((contact) => contact.includes(desk.instance));
    return new RegExp(`${kind}="([^"]+)"`).exec(own ?? "")?.[1] ?? "";
  };

  async function two() {
    scenario = await startScenario();
    const second = await scenario.joins("bob");
    return { ...scenario, second };
  }

  it.each(["pub-gruu", "temp-gruu"] as const)("a %s reaches that phone and no other (§5.5)", async (kind) => {
    const { alice, bob, second, world } = await two();
    alice.invites(gruuOf(second, kind));
    await world.settle();
    expect([bob.state, second.state]).toEqual(["idle", "ringing"]);
  });

  it("of a phone that is gone reaches nobody: 480", async () => {
    const { alice, second, world } = await two();
    const gruu = gruuOf(second, "pub-gruu");
    second.leaves();
    await world.pass(31);
    alice.invites(gruu);
    await world.settle();
    expect(alice.state).toBe("ended 480");
  });

  it("a temporary one that is forged reaches nobody: 404", async () => {
    const { alice, second, world } = await two();
    alice.invites(gruuOf(second, "temp-gruu").replace("tgruu.", "tgruu.x"));
    await world.settle();
    expect(alice.state).toBe("ended 404");
  });

  it("is called past the rule that sends calls on: who dials it has been told to", async () => {
    scenario = await startScenario({ rules: { bob: { forward: { always: "sip:carol@example.com" } } } });
    const { alice, bob, world } = scenario;
    alice.invites(gruuOf(bob, "pub-gruu"));
    await world.settle();
    expect(bob.state).toBe("ringing");
  });
});
