import { readConfiguration } from "../../../platform/configuration.ts";
import { CallStore } from "../../../platform/directory/call-store.ts";
import { afterEach, expect, it } from "vitest";
import { header, headers } from "../../support/received-message.ts";
import { setting } from "../../support/setting.ts";
import { type Scenario, type ScenarioOptions, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

async function staged(settings: Readonly<Record<string, number>>, options: ScenarioOptions = {}): Promise<Scenario> {
  const texts = Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, String(value)]));
  scenario = await startScenario({ ...options, settings: texts });
  return scenario;
}

setting("CALLER_GRACE", 2, 60, "a call rings on so long after its caller's connection broke", async (value) => {
  const { alice, bob, world } = await staged({ CALLER_GRACE: value });
  alice.invites(bob.aor);
  await world.settle();
  alice.leaves();
  await world.settle();
  await world.pass(value - 1);
  expect(bob.state).toBe("ringing");
  await world.pass(3);
  expect(bob.state).toBe("ended 487");
});

setting("RING_TIMEOUT", 8, 600, "a phone rings so long", async (value) => {
  const { alice, bob, world } = await staged({ RING_TIMEOUT: value });
  alice.invites(bob.aor);
  await world.settle();
  await world.pass(value - 2);
  expect(bob.state).toBe("ringing");
  await world.pass(4);
  expect([alice.state, bob.state]).toEqual(["ended 487", "ended 487"]);
});

setting("TRANSACTION_TIMEOUT", 5, 120, "a silent phone is waited for so long: 408", async (value) => {
  const { alice, bob, world } = await staged({ TRANSACTION_TIMEOUT: value }, { bob: { isManual: true } });
  alice.invites(bob.aor);
  await world.settle();
  await world.pass(value - 1);
  expect(alice.state).toBe("calling");
  await world.pass(3);
  expect(alice.state).toBe("ended 408");
});

setting("GROUP_TIME", 5, 90, "phones of one q ring so long before those of the next do", async (value) => {
  const { alice, bob, world, joins } = await staged({ GROUP_TIME: value }, { bob: { parameters: ";q=1.0" } });
  const second = await joins("bob", { parameters: ";q=0.5" });
  alice.invites(bob.aor);
  await world.settle();
  await world.pass(value - 1);
  expect([bob.state, second.state]).toEqual(["ringing", "idle"]);
  await world.pass(3);
  expect([bob.state, second.state]).toEqual(["ended 487", "ringing"]);
});

setting("MINIMUM_SESSION_EXPIRES", 100, 7200, "a session interval below it draws 422 with it in Min-SE", async (value) => {
  const { alice, bob, world } = await staged({ MINIMUM_SESSION_EXPIRES: value });
  alice.invites(bob.aor, [`Session-Expires: ${value - 1}`, "Supported: timer"]);
  await world.settle();
  expect([alice.state, header(alice.last(422), "min-se")]).toEqual(["ended 422", String(value)]);
  alice.invites(bob.aor, [`Session-Expires: ${value}`, "Supported: timer"]);
  await world.settle();
  expect(alice.state).toBe("hears ringing");
});

setting("SESSION_EXPIRES", 120, 7200, "so much is asked for where the caller asks for none", async (value) => {
  const { alice, bob, world } = await staged({ SESSION_EXPIRES: value });
  alice.invites(bob.aor);
  await world.settle();
  expect(headers(bob.last("INVITE"), "session-expires")).toEqual([String(value)]);
});

setting("TRACE_LENGTH", 2, 200, "so many messages are kept for the trace", async (value) => {
  const { alice, world } = await staged({ TRACE_LENGTH: value });
  for (let count = 0; count < 150; count += 1) alice.asks("OPTIONS", "sip:example.com");
  await world.settle();
  const entries = await world.homeOf("alice").handle((home) => home.lastMessages());
  expect([entries.length, entries.at(-1)?.text.slice(0, 14)]).toEqual([value, "SIP/2.0 200 OK"]);
});

setting("CALL_RECORD_DAYS", 2, 60, "the record of a call is kept so many days", async (value) => {
  const { alice, world } = await staged({ CALL_RECORD_DAYS: value });
  alice.invites("sip:nobody@example.com");
  await world.settle();
  const { DIRECTORY, ...environment } = world.environment(undefined);
  const clean = () => new CallStore(DIRECTORY).deleteOld(Date.now(), readConfiguration(environment).callRecordDays);
  await world.pass(value * 86_400 - 3600);
  await clean();
  const before = world.callRecords().length;
  await world.pass(7200);
  await clean();
  expect([before, world.callRecords().length]).toEqual([1, 0]);
});

it("deletes old records however many there are, of each domain as it wants", async () => {
  const { world } = await staged({});
  const { DIRECTORY } = world.environment(undefined);
  const day = 86_400_000;
  const add = (domain: string, days: number, count: number) =>
    DIRECTORY.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       INSERT INTO calls SELECT ?, ?, 'x-' || i, '', '', 'missed', '{}' FROM n`,
    )
      .bind(count, domain, Date.now() - days * day)
      .run();
  await DIRECTORY.prepare(`INSERT INTO domains (name, created_at, settings) VALUES ('short.example', 0, '{"callRecordDays":2}')`).run();
  await add("example.com", 31, 12_000);
  await add("example.com", 29, 10);
  await add("short.example", 3, 6000);
  await add("short.example", 1, 5);
  await new CallStore(DIRECTORY).deleteOld(Date.now(), 30);
  const { results } = await DIRECTORY.prepare("SELECT domain, COUNT(*) AS count FROM calls GROUP BY domain ORDER BY domain").all();
  expect(results).toEqual([
    { domain: "example.com", count: 10 },
    { domain: "short.example", count: 5 },
  ]);
});
