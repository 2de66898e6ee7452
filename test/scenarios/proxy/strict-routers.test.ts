import { afterEach, describe, expect, it } from "vitest";
import { dialogOfCallee, dialogOfCaller } from "../../support/dialog.ts";
import { headers, uriIn } from "../../support/received-message.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

const edge = "sip:edge.invalid;transport=tcp";

describe("a phone behind a strict router (RFC 3261 §16.4, §16.6 step 6; RFC 3327)", () => {
  it("is called by the router's URI, with the phone's own at the end of Route, and so is all that follows", async () => {
    scenario = await startScenario({ bob: { isManual: true } });
    const { alice, bob, world } = scenario;
    bob.registers(["Supported: path", `Path: <${edge}>`]);
    await world.settle();
    alice.asks("INVITE", bob.aor, [`Contact: ${alice.contact}`]);
    await world.settle();
    const invite = bob.last("INVITE");
    expect([invite.requestUri, headers(invite, "route")]).toEqual([edge, [`<${uriIn(bob.contact)}>`]]);

    // The router has put itself into the route set, as strict as it is.
    const answered = { ...invite, headers: [["record-route", `<${edge}>`] as const, ...invite.headers] };
    bob.replies(answered, 200, [`Contact: ${bob.contact}`]);
    await world.settle();
    const ofAlice = dialogOfCaller(alice.last(200, "INVITE"));
    alice.within("ACK", ofAlice, [], ofAlice.inviteCseq);
    alice.within("INFO", ofAlice);
    await world.settle();
    for (const method of ["ACK", "INFO"]) {
      const heard = bob.last(method);
      expect([method, heard.requestUri, headers(heard, "route")]).toEqual([method, edge, [`<${uriIn(bob.contact)}>`]]);
    }

    // What comes through the router has our Record-Route in the Request-URI.
    const ofBob = dialogOfCallee(invite, bob.instance.slice(-6));
    const [own = ""] = ofBob.routes;
    bob.within("BYE", { ...ofBob, target: uriIn(own), routes: [`<${ofBob.target}>`] });
    await world.settle();
    const bye = alice.last("BYE");
    expect([bye.requestUri, headers(bye, "route")]).toEqual([uriIn(alice.contact), []]);
    expect(world.faults).toEqual([]);
  });
});
