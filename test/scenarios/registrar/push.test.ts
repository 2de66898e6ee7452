import { afterEach, describe, expect, it } from "vitest";
import type { BindingView } from "../../../lib/location/binding-view.ts";
import { header, headers } from "../../support/received-message.ts";
import { type ReceivedNote, WebPushDevice, readVapid } from "../../support/web-push-device.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";
import type { SimulatedPush } from "../world/world.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

const week = 604_800;

interface Pushed extends Scenario {
  readonly pushes: SimulatedPush[];
  readonly notes: () => ReceivedNote[];
  readonly device: WebPushDevice;
}

/** bob's browser can be woken; what its push service answers is a status. */
async function withPush(more: { readonly status?: () => number; readonly settings?: Record<string, string> } = {}): Promise<Pushed> {
  const device = new WebPushDevice("https://8.8.8.8/push/bob");
  const bob = { parameters: device.parameters, expires: week, isManual: false };
  const started = await startScenario({ bob, absent: ["bob"], settings: more.settings ?? {} });
  scenario = started;
  const pushes: SimulatedPush[] = [];
  started.world.pushService((push) => {
    pushes.push(push);
    return more.status?.() ?? 201;
  });
  await started.bob.comesOnline();
  return { ...started, pushes, device, notes: () => pushes.map(({ body }) => device.read(body)) };
}

function bindingsOf(username: string): Promise<readonly BindingView[]> {
  return scenario.world.homeOf(username).handle((instance) => instance.bindings());
}

/** The page is closed, and its home has long been asleep. */
async function closes({ bob, world }: Scenario): Promise<void> {
  bob.leaves(1001);
  await world.settle();
  await world.pass(60);
}

describe("RFC 8599 §5.6.1: a phone asks for push notifications", () => {
  it("and learns which service is used, with the key of the server, and that its registration lasts as long as it asked", async () => {
    const { bob } = await withPush();
    const ok = bob.last(200, "REGISTER");
    expect(headers(ok, "feature-caps")).toEqual([expect.stringMatching(/^\*;\+sip\.pns="webpush";\+sip\.vapid="[\w-]{87}"$/)]);
    expect(header(ok, "contact")).toContain(`expires=${week}`);
    expect(header(ok, "contact")).toContain("pn-prid=https://8.8.8.8/push/bob");
  });
});

describe("RFC 8599 §5.6.2: a call to a phone that sleeps", () => {
  it("wakes it, waits for it, and rings there when it registers", async () => {
    const { alice, bob, world, pushes, notes, ...rest } = await withPush();
    await closes({ alice, bob, world, ...rest });
    expect(await bindingsOf("bob")).toMatchObject([{ reachable: false, push: "webpush" }]);
    alice.invites(bob.aor);
    await world.settle();
    expect(notes()).toEqual([{ ringing: [{ from: alice.aor }], missed: null, messages: null, refresh: false }]);
    const [{ url = "", headers: sent = {} } = {}] = pushes;
    expect([url, sent]).toMatchObject([rest.device.url, { TTL: "45", Urgency: "high", Topic: "offhook", "Content-Encoding": "aes128gcm" }]);
    expect((await readVapid(sent["Authorization"] ?? "")).claims).toMatchObject({ aud: "https://8.8.8.8", sub: "mailto:ops@example.com" });
    expect(alice.last(182).startLine).toContain("182");
    await world.pass(20);
    await bob.comesOnline();
    await world.settle();
    expect([alice.state, bob.state]).toEqual(["hears ringing", "ringing"]);
    bob.answers();
    await world.settle();
    expect([alice.state, bob.state]).toEqual(["talking", "talking"]);
    // The phone knows by itself what has become of the call.
    expect(pushes).toHaveLength(1);
    expect(world.faults).toEqual([]);
  });

  it("is refused after PUSH_WAIT, and the note says that it was missed; the next one says how many were", async () => {
    const { alice, bob, world, notes, pushes, ...rest } = await withPush();
    await closes({ alice, bob, world, ...rest });
    alice.invites(bob.aor);
    await world.settle();
    await world.pass(44);
    expect(alice.state).toBe("calling");
    await world.pass(2);
    expect(alice.state).toBe("ended 480");
    await world.settle();
    expect(notes()[1]).toEqual({ ringing: [], missed: { count: 1, last: { from: alice.aor } }, messages: null, refresh: false });
    expect(pushes[1]?.headers).toMatchObject({ TTL: "86400", Urgency: "normal", Topic: "offhook" });
    alice.invites(bob.aor);
    await world.settle();
    await world.pass(46);
    await world.settle();
    expect(notes().at(-1)).toMatchObject({ missed: { count: 2 } });
    expect(world.callRecords().map(({ timeline }) => timeline.map(({ event }) => event).filter((event) => event === "woken"))).toEqual([
      ["woken"],
      ["woken"],
    ]);
    expect(world.faults).toEqual([]);
  });

  it("that the caller gives up takes its note back", async () => {
    const { alice, bob, world, notes, ...rest } = await withPush();
    await closes({ alice, bob, world, ...rest });
    alice.invites(bob.aor);
    await world.settle();
    await world.pass(5);
    alice.cancels();
    await world.settle();
    expect(alice.state).toBe("ended 487");
    expect(notes().at(-1)).toMatchObject({ ringing: [], missed: { count: 1 } });
  });

  it("that another phone answers takes its note back, and was not missed", async () => {
    const { alice, bob, world, notes, joins, ...rest } = await withPush();
    await closes({ alice, bob, world, joins, ...rest });
    const desk = await joins("bob");
    alice.invites(bob.aor);
    await world.settle();
    desk.answers();
    await world.settle();
    expect(notes()).toEqual([
      expect.objectContaining({ ringing: [{ from: alice.aor }] }),
      { ringing: [], missed: null, messages: null, refresh: false },
    ]);
  });

  it("finds the phone after a crash of the server in between", async () => {
    const { alice, bob, world, notes, ...rest } = await withPush();
    await closes({ alice, bob, world, ...rest });
    alice.invites(bob.aor);
    await world.settle();
    world.lose("kill");
    await alice.comesOnline();
    await bob.comesOnline();
    await world.settle();
    bob.answers();
    await world.settle();
    expect(notes().length).toBeGreaterThan(0);
    expect([alice.state, bob.state]).toEqual(["talking", "talking"]);
  });
});

describe("a phone with a connection", () => {
  it("that rings gets no note", async () => {
    const { alice, bob, world, pushes } = await withPush();
    alice.invites(bob.aor);
    await world.settle();
    await world.pass(5);
    expect([bob.state, pushes]).toEqual(["ringing", []]);
  });

  it("that does not answer within 1.5 s is woken", async () => {
    const { alice, bob, world, pushes, notes } = await withPush();
    // The page is frozen: its connection stays, and it reads nothing.
    bob.freezes();
    alice.invites(bob.aor);
    await world.take(50);
    await world.pass(1.4);
    expect(pushes).toEqual([]);
    await world.pass(0.2);
    await world.settle();
    expect(notes()).toMatchObject([{ ringing: [{ from: alice.aor }] }]);
  });
});

describe("RFC 5626 §4.4.1: a phone that has sent keep-alives, and sends none any more,", () => {
  it("is woken at once", async () => {
    const { alice, bob, world, notes } = await withPush();
    bob.keepsAlive();
    await world.pass(241);
    bob.freezes();
    alice.invites(bob.aor);
    await world.settle();
    expect(notes()).toMatchObject([{ ringing: [{ from: alice.aor }] }]);
  });

  it("but not while it sends them", async () => {
    const { alice, bob, world, pushes } = await withPush();
    bob.keepsAlive();
    await world.pass(200);
    alice.invites(bob.aor);
    await world.settle();
    await world.pass(3);
    expect([bob.state, pushes]).toEqual(["ringing", []]);
  });
});

describe("a phone that cannot be woken any more", () => {
  it.each([404, 410])("RFC 8030 §7.3: %d ends its registration, and calls do not wait for it", async (status) => {
    const { alice, bob, world, ...rest } = await withPush({ status: () => status });
    await closes({ alice, bob, world, ...rest });
    alice.invites(bob.aor);
    await world.settle();
    await world.settle();
    expect(alice.state).toBe("ended 480");
    expect(await bindingsOf("bob")).toEqual([]);
  });

  it("because its service refuses us keeps its registration, and calls do not wait for it", async () => {
    const { alice, bob, world, ...rest } = await withPush({ status: () => 403 });
    await closes({ alice, bob, world, ...rest });
    alice.invites(bob.aor);
    await world.settle();
    await world.settle();
    expect(alice.state).toBe("ended 480");
    expect(await bindingsOf("bob")).toHaveLength(1);
  });

  it("for a while gets the note when its service is back", async () => {
    let status = 503;
    const { alice, bob, world, pushes, ...rest } = await withPush({ status: () => status });
    await closes({ alice, bob, world, ...rest });
    alice.invites(bob.aor);
    await world.settle();
    await world.pass(2);
    expect(pushes.length).toBeGreaterThan(1);
    status = 201;
    await world.pass(6);
    const before = pushes.length;
    await world.pass(10);
    expect(pushes.length).toBe(before);
  });

  it("is not registered any more when its time is over", async () => {
    const { world, bob, ...rest } = await withPush({ settings: { PUSH_EXPIRES: "300" } });
    await closes({ bob, world, ...rest });
    expect(await bindingsOf("bob")).toHaveLength(1);
    await world.pass(300);
    expect(await bindingsOf("bob")).toEqual([]);
  });
});

describe("a message for a user whose phones sleep", () => {
  it("is stored, and they are told of it without its text", async () => {
    const { alice, bob, world, pushes, notes, ...rest } = await withPush();
    await closes({ alice, bob, world, ...rest });
    alice.asks("MESSAGE", bob.aor, ["Content-Type: text/plain"], "a secret");
    await world.settle();
    await world.settle();
    expect(notes()).toEqual([{ ringing: [], missed: null, messages: { count: 1, last: { from: alice.aor } }, refresh: false }]);
    await bob.comesOnline();
    await world.settle();
    expect(bob.last("MESSAGE").body).toBe("a secret");
    expect(pushes).toHaveLength(1);
  });
});

it("the credentials of the user change: a phone that sleeps is not told of calls any more", async () => {
  const { alice, bob, world, pushes, ...rest } = await withPush();
  await closes({ alice, bob, world, ...rest });
  await world.changePassword("bob");
  await world.settle();
  expect(await bindingsOf("bob")).toEqual([]);
  alice.invites(bob.aor);
  await world.settle();
  expect([alice.state, pushes]).toEqual(["ended 480", []]);
});

it("a phone that is registered without a connection does not keep a call open: the other end gets a BYE", async () => {
  const { alice, bob, world, ...rest } = await withPush();
  void rest;
  alice.invites(bob.aor);
  await world.settle();
  bob.answers();
  await world.settle();
  bob.leaves();
  await world.settle();
  await world.pass(200);
  await world.settle();
  expect(alice.state).toBe("ended by bye");
  expect(await bindingsOf("bob")).toMatchObject([{ push: "webpush" }]);
});

it("while D1 cannot be reached a phone registers as before, and is woken all the same", async () => {
  const { alice, bob, world, notes, ...rest } = await withPush();
  // The directory knows where calls to bob go.
  alice.invites(bob.aor);
  await world.settle();
  alice.cancels();
  await world.settle();
  world.loseDirectory();
  await world.pass(30);
  bob.registers();
  await world.settle();
  expect(bob.all(200, "REGISTER")).toHaveLength(2);
  await closes({ alice, bob, world, ...rest });
  expect(await bindingsOf("bob")).toMatchObject([{ reachable: false, push: "webpush" }]);
  alice.invites(bob.aor);
  await world.settle();
  await world.settle();
  expect(notes()).toMatchObject([{ ringing: [{ from: alice.aor }] }]);
});

it("the page that is opened again has another Contact, and replaces the one that sleeps", async () => {
  const { world, joins, device, ...rest } = await withPush();
  await closes({ world, joins, ...rest });
  const again = await joins("bob", { parameters: device.parameters, expires: week });
  await world.settle();
  expect(await bindingsOf("bob")).toMatchObject([{ reachable: true, instance: again.instance }]);
});
