import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Decision } from "../../lib/routing/routing.ts";
import { listenOnOwnPort } from "../support/own-port.ts";
import { type PushService, startPushService } from "../support/push-service.ts";
import { mulberry32 } from "../support/random.ts";
import { RouterApplication } from "../support/router-application.ts";
import { startServerUnderTest, type ServerUnderTest, ways } from "../support/server-under-test.ts";
import { type DeskOptions, SimulatedPhone } from "../support/simulated-phone.ts";
import { becomes, wireNetwork } from "../support/wire-network.ts";

/** POWER_CUTS=100 takes four minutes. */
const powerCuts = Number(process.env["POWER_CUTS"] ?? 10);
/** Milliseconds, an upper bound. */
const patienceForAll = 60_000 * powerCuts;
const seed = Number(process.env["POWER_CUT_SEED"] ?? Date.now() % 1_000_000);
const random = mulberry32(seed);

const router = new RouterApplication();
/** What the router says about a call to this user, and after how many milliseconds; everybody else is rung as without it. */
let helpdesk = { account: "", decision: { action: "continue" } as Decision, after: 0 };
let service: PushService;
let serverUnderTest: ServerUnderTest;

const pause = (milliseconds: number) => new Promise((resume) => setTimeout(resume, milliseconds));

beforeAll(async () => {
  await listenOnOwnPort(router.server);
  service = await startPushService();
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } });
  const { api } = serverUnderTest.server;
  await api("PUT", "/domains/localhost/push/webpush", { subject: "mailto:ops@example.com", hosts: ["127.0.0.1"] });
  const created = await api("PUT", "/domains/localhost/router", { kind: "http", url: router.url });
  router.secret = ((await created.json()) as { secret: string }).secret;
  router.decide = async ({ dialled }) => {
    if (dialled !== helpdesk.account) return { action: "continue" };
    await pause(helpdesk.after);
    return helpdesk.decision;
  };
});
afterAll(async () => {
  await serverUnderTest.close();
  await service.close();
  router.server.closeAllConnections();
  router.server.close();
});

/** Phones of users that nobody else calls, online. */
async function phones<const Names extends readonly string[]>(way: (typeof ways)[number], names: Names, options: DeskOptions = {}) {
  const network = wireNetwork(serverUnderTest.server, way);
  const made = names.map(async (name) => new SimulatedPhone(network, await serverUnderTest.newcomer(name), options).comesOnline());
  return (await Promise.all(made)) as unknown as { readonly [Index in keyof Names]: SimulatedPhone };
}

async function losePower(everybody: readonly SimulatedPhone[]): Promise<void> {
  await serverUnderTest.server.kill9();
  await serverUnderTest.server.restart();
  await becomes(() => everybody.every(({ isRegistered }) => isRegistered), "everybody's return");
}

/** Answered, and hung up by one of the two. */
async function talk(caller: SimulatedPhone, callee: SimulatedPhone, where: string): Promise<void> {
  callee.answers();
  await becomes(() => caller.state === "talking" && callee.call.isAcknowledged, `${where}: the answer`);
  (random() < 0.5 ? caller : callee).hangsUp();
  await becomes(() => caller.state === "ended by bye" && callee.state === "ended by bye", `${where}: the end`);
}

interface WrittenRecord {
  readonly call_id: string;
  readonly outcome: string;
}

/** How the records of a caller's calls say that each of them ended. */
async function outcomes({ account, calls }: SimulatedPhone): Promise<readonly (readonly string[])[]> {
  const response = await serverUnderTest.server.api("GET", `/domains/localhost/calls?limit=1000&user=${account}`);
  const { calls: records } = (await response.json()) as { readonly calls: readonly WrittenRecord[] };
  return calls.map(({ id }) => records.filter(({ call_id: callId }) => callId === id).map(({ outcome }) => outcome));
}

const expectAnswered = (caller: SimulatedPhone) => expect.poll(() => outcomes(caller)).toEqual(caller.calls.map(() => ["answered"]));

describe.each(ways)(`${powerCuts} power cuts before a phone rings (%s)`, (way) => {
  it(
    "between its push notification and its REGISTER lose no call",
    async () => {
      const [alice] = await phones(way, ["alice"]);
      const [bob] = await phones(way, ["bob"], { parameters: service.device.parameters, expires: 604_800 });
      for (let round = 1; round <= powerCuts; round += 1) {
        const where = `seed ${seed}, ${way}, ${round}`;
        bob.leaves(1001);
        await becomes(() => !bob.isRegistered, `${where}: the closed page`);
        const before = service.arrived.length;
        alice.invites(bob.aor);
        await becomes(() => service.arrived.length > before, `${where}: the note`);
        expect(service.arrived.at(-1)?.note.ringing).toMatchObject([{ from: alice.aor }]);
        await pause(random() * 20);
        await losePower([alice]);
        await bob.comesOnline();
        await becomes(() => alice.state === "hears ringing" && bob.state === "ringing", `${where}: it rings`);
        await talk(alice, bob, where);
      }
      expect(service.refused).toEqual([]);
      await expectAnswered(alice);
    },
    patienceForAll,
  );

  it(
    "ask a router exactly once about each call, and lose none",
    async () => {
      const [alice, bob, carol] = await phones(way, ["alice", "bob", "carol"]);
      helpdesk = { ...helpdesk, account: bob.account, decision: { action: "ring", targets: [{ to: carol.account }] } };
      const rang: Record<string, number> = {};
      for (let round = 1; round <= powerCuts; round += 1) {
        const where = `seed ${seed}, ${way}, ${round}`;
        helpdesk.after = round % 4 === 0 ? 0 : random() * 30;
        const call = alice.invites(bob.aor);
        const asked = () => router.asked.filter(({ call_id: callId }) => callId === call.id).length;
        await becomes(() => asked() > 0, `${where}: the question`);
        await pause(random() * 40);
        await losePower([alice, bob, carol]);
        const ringing = () => [bob, carol].filter(({ state }) => state === "ringing");
        await becomes(() => alice.state === "hears ringing" && ringing().length > 0, `${where}: it rings`);
        const [callee = bob, ...more] = ringing();
        expect([where, asked(), more]).toEqual([where, 1, []]);
        await talk(alice, callee, where);
        expect([where, asked()]).toEqual([where, 1]);
        const name = callee === carol ? "by the decision" : "by the fallback";
        rang[name] = (rang[name] ?? 0) + 1;
      }
      console.log(`seed ${seed}, ${way}: rang ${JSON.stringify(rang)}`);
      await expectAnswered(alice);
    },
    patienceForAll,
  );
});
