import { header } from "../../support/received-message.ts";
import { tableOf, watchList } from "../../support/list-watching.ts";
import { WebPushDevice } from "../../support/web-push-device.ts";
import { canonical } from "../../support/patch.ts";
import { assembled, basics, pidf, publishes, watch } from "../../support/watching.ts";
import type { Scenario, ScenarioOptions } from "./scenario.ts";

/** A conversation, and what its phones must have come to, whatever is lost at whichever step. */
export interface Conversation {
  readonly name: string;
  readonly play: (scenario: Scenario) => Promise<unknown>;
  readonly outcome: unknown;
  readonly options?: ScenarioOptions;
}

const calls = async ({ alice, bob, world }: Scenario): Promise<void> => {
  alice.invites(bob.aor);
  await world.settle();
};
const talks = async (scenario: Scenario): Promise<void> => {
  await calls(scenario);
  scenario.bob.answers();
  await scenario.world.settle();
};

/** The domain has a router. @returns how often it was asked */
async function routed({ world }: Scenario, action: "continue" | "ring"): Promise<() => number> {
  let count = 0;
  await world.router(() => {
    count += 1;
    return action === "ring" ? { action, targets: [{ to: "bob" }] } : { action };
  });
  return () => count;
}

/** A browser that push notifications wake. */
const browser = new WebPushDevice("https://8.8.8.8/push/bob");

/** bob's page is closed. A note wakes it, and nothing else does: then it is opened, and answers. */
async function wakesAndAnswers({ alice, bob, world }: Scenario): Promise<unknown> {
  const woken = { isIt: false };
  world.pushService(({ body }) => {
    woken.isIt ||= browser.read(body).ringing.length > 0;
    return 201;
  });
  await bob.comesOnline();
  await world.pass(2);
  bob.leaves(1001);
  await world.settle();
  await world.pass(60);
  alice.invites(bob.aor);
  await world.settle();
  for (let second = 0; second < 30 && !woken.isIt; second += 1) await world.pass(1);
  await world.settle();
  if (woken.isIt) await bob.comesOnline();
  await world.settle();
  if (bob.state === "ringing") bob.answers();
  await world.settle();
  return [woken.isIt, alice.state, bob.state];
}

export const conversations: readonly Conversation[] = [
  {
    name: "a call wakes a phone that sleeps, which answers",
    play: wakesAndAnswers,
    outcome: [true, "talking", "talking"],
    options: { bob: { parameters: browser.parameters, expires: 604_800 }, absent: ["bob"] },
  },
  {
    name: "a phone registers",
    play: async ({ joins }) => (await joins("carol")).all(200, "REGISTER").length > 0,
    outcome: true,
  },
  {
    name: "a call rings",
    play: async (scenario) => {
      await calls(scenario);
      return [scenario.alice.state, scenario.bob.state];
    },
    outcome: ["hears ringing", "ringing"],
  },
  {
    name: "a call is answered",
    play: async (scenario) => {
      await talks(scenario);
      return [scenario.alice.state, scenario.bob.state];
    },
    outcome: ["talking", "talking"],
  },
  {
    name: "a call is answered, and the caller hangs up",
    play: async (scenario) => {
      await talks(scenario);
      scenario.alice.hangsUp();
      await scenario.world.settle();
      return [scenario.alice.state, scenario.bob.state];
    },
    outcome: ["ended by bye", "ended by bye"],
  },
  {
    name: "a call is answered, and the callee hangs up",
    play: async (scenario) => {
      await talks(scenario);
      scenario.bob.hangsUp();
      await scenario.world.settle();
      return [scenario.alice.state, scenario.bob.state];
    },
    outcome: ["ended by bye", "ended by bye"],
  },
  {
    name: "a call is cancelled",
    play: async (scenario) => {
      await calls(scenario);
      scenario.alice.cancels();
      await scenario.world.settle();
      return [scenario.alice.state, scenario.bob.state];
    },
    outcome: ["ended 487", "ended 487"],
  },
  {
    name: "a call is rejected",
    play: async (scenario) => {
      await calls(scenario);
      scenario.bob.rejects(486);
      await scenario.world.settle();
      return [scenario.alice.state, scenario.bob.state];
    },
    outcome: ["ended 486", "ended 486"],
  },
  {
    name: "a call of a domain with a router",
    play: async (scenario) => {
      const count = await routed(scenario, "continue");
      await calls(scenario);
      await scenario.world.pass(3);
      scenario.bob.answers();
      await scenario.world.settle();
      scenario.alice.hangsUp();
      await scenario.world.settle();
      return [scenario.alice.state, scenario.bob.state, count() <= 1];
    },
    outcome: ["ended by bye", "ended by bye", true],
  },
  {
    name: "a router sends a call on, which is cancelled",
    play: async (scenario) => {
      const count = await routed(scenario, "ring");
      await calls(scenario);
      await scenario.world.pass(3);
      scenario.alice.cancels();
      await scenario.world.settle();
      await scenario.world.pass(3);
      return [scenario.alice.state, scenario.bob.state, count() <= 1];
    },
    outcome: ["ended 487", "ended 487", true],
  },
  {
    name: "of two phones one answers",
    play: async (scenario) => {
      const second = await scenario.joins("bob");
      await calls(scenario);
      scenario.bob.answers();
      await scenario.world.settle();
      return [scenario.alice.state, scenario.bob.state, second.state];
    },
    outcome: ["talking", "talking", "ended 487"],
  },
  {
    name: "two phones refuse, one after the other",
    play: async (scenario) => {
      const second = await scenario.joins("bob");
      await calls(scenario);
      scenario.bob.rejects(486);
      await scenario.world.settle();
      second.rejects(404);
      await scenario.world.settle();
      return [scenario.alice.state, scenario.bob.state, second.state];
    },
    outcome: ["ended 486", "ended 486", "ended 404"],
  },
  {
    name: "one phone of a user calls another, which rejects",
    play: async (scenario) => {
      const second = await scenario.joins("alice");
      scenario.alice.invites(scenario.alice.aor);
      await scenario.world.settle();
      second.rejects(486);
      await scenario.world.settle();
      return [scenario.alice.state, second.state];
    },
    outcome: ["ended 486", "ended 486"],
  },
  {
    name: "one phone refuses, and that of the next group answers",
    options: { bob: { parameters: ";q=0.9" } },
    play: async (scenario) => {
      const second = await scenario.joins("bob", { parameters: ";q=0.1" });
      await calls(scenario);
      scenario.bob.rejects(486);
      await scenario.world.settle();
      second.answers();
      await scenario.world.settle();
      return [scenario.alice.state, scenario.bob.state, second.state];
    },
    outcome: ["talking", "ended 486", "talking"],
  },
  {
    name: "a call is put on hold, and ended",
    play: async (scenario) => {
      await talks(scenario);
      const { dialog } = scenario.alice.call;
      if (dialog === undefined) return false;
      scenario.alice.within("INVITE", dialog, [`Contact: ${scenario.alice.contact}`]);
      await scenario.world.settle();
      scenario.bob.hangsUp();
      await scenario.world.settle();
      return [scenario.alice.state, scenario.bob.state];
    },
    outcome: ["ended by bye", "ended by bye"],
  },
  {
    name: "a call is sent on, answered and ended",
    options: { rules: { bob: { forward: { always: "sip:carol@example.com" } } } },
    play: async (scenario) => {
      const carol = await scenario.joins("carol");
      scenario.alice.invites(scenario.bob.aor);
      await scenario.world.settle();
      carol.answers();
      await scenario.world.settle();
      carol.hangsUp();
      await scenario.world.settle();
      return [scenario.alice.state, carol.state];
    },
    outcome: ["ended by bye", "ended by bye"],
  },
  {
    name: "a call is sent on when busy, and cancelled",
    options: { rules: { bob: { forward: { busy: "sip:carol@example.com" } } } },
    play: async (scenario) => {
      const carol = await scenario.joins("carol");
      await calls(scenario);
      scenario.bob.rejects(486);
      await scenario.world.settle();
      scenario.alice.cancels();
      await scenario.world.settle();
      await scenario.world.pass(3);
      return [scenario.alice.state, scenario.bob.state, carol.state];
    },
    outcome: ["ended 487", "ended 486", "ended 487"],
  },
  {
    name: "a call is sent on when nobody answers",
    options: { rules: { bob: { forward: { noAnswer: { to: "sip:carol@example.com", after: 10 } } } } },
    play: async (scenario) => {
      const carol = await scenario.joins("carol");
      await calls(scenario);
      await scenario.world.pass(15);
      carol.answers();
      await scenario.world.settle();
      return [scenario.alice.state, scenario.bob.state, carol.state];
    },
    outcome: ["talking", "ended 487", "talking"],
  },
  {
    name: "a call to a phone that is away, and comes",
    play: async (scenario) => {
      scenario.bob.leaves();
      await scenario.world.settle();
      await calls(scenario);
      await scenario.bob.comesOnline();
      await scenario.world.settle();
      scenario.bob.answers();
      await scenario.world.settle();
      return [scenario.alice.state, scenario.bob.state];
    },
    outcome: ["talking", "talking"],
  },
  {
    name: "a call is ended while the other is away",
    play: async (scenario) => {
      await talks(scenario);
      scenario.bob.leaves();
      await scenario.world.settle();
      scenario.alice.hangsUp();
      await scenario.world.settle();
      await scenario.bob.comesOnline();
      return [scenario.alice.state, scenario.bob.state];
    },
    outcome: ["ended by bye", "ended by bye"],
  },
  {
    name: "a call rings until its end (Timer C)",
    play: async (scenario) => {
      await calls(scenario);
      // A loss at its end makes the phone ring anew, and Timer C with it.
      await scenario.world.pass(450);
      return [scenario.alice.state, scenario.bob.state];
    },
    outcome: ["ended 487", "ended 487"],
  },
  {
    name: "a JsSIP callee is called and answers",
    options: { bob: { manners: "forgets", userAgent: "JsSIP 3.13.8" } },
    play: async (scenario) => {
      await talks(scenario);
      return [scenario.alice.state, scenario.bob.state];
    },
    outcome: ["talking", "talking"],
  },
  {
    name: "a message is stored, and delivered",
    play: async (scenario) => {
      scenario.bob.leaves();
      await scenario.world.pass(31);
      const sent = scenario.alice.asks("MESSAGE", scenario.bob.aor, ["Content-Type: text/plain"], "hello");
      await scenario.world.settle();
      await scenario.bob.comesOnline();
      // Of one that got no answer its sender knows that it may not have been taken.
      return sent.final === 0 || (sent.final === 202 && scenario.bob.all("MESSAGE").length > 0);
    },
    outcome: true,
  },
  {
    name: "a user is watched who goes away",
    play: async (scenario) => {
      const watching = watch(scenario.alice, scenario.bob.aor);
      await scenario.world.settle();
      scenario.bob.leaves();
      await scenario.world.pass(10);
      return watching.status() === 0 || basics(watching.last()).join() === "closed";
    },
    outcome: true,
  },
  {
    name: "a user is watched who goes away and comes back",
    play: async (scenario) => {
      const watching = watch(scenario.alice, scenario.bob.aor);
      await scenario.world.settle();
      scenario.bob.leaves();
      await scenario.world.pass(3);
      await scenario.bob.comesOnline();
      await scenario.world.pass(10);
      return watching.status() === 0 || basics(watching.last()).join() === "open";
    },
    outcome: true,
  },
  {
    name: "a user is watched who publishes his state",
    play: async (scenario) => {
      const watching = watch(scenario.alice, scenario.bob.aor);
      await scenario.world.settle();
      const sent = publishes(scenario.bob, pidf(scenario.bob.aor, "open", "busy"));
      await scenario.world.pass(10);
      // Of what got no answer its sender knows that it may not have been taken.
      return watching.status() === 0 || sent.final === 0 || watching.last().body.includes("busy");
    },
    outcome: true,
  },
  {
    name: "a user is watched by one who takes changes",
    play: async (scenario) => {
      const { alice, bob, world } = scenario;
      const services = ["desk", "car", "door"].map((id) => `<tuple id="${id}"><status><basic>open</basic></status></tuple>`).join("");
      publishes(bob, pidf(bob.aor, "open", "meal").replace("</tuple>", `</tuple>${services}`));
      await world.pass(10);
      const watching = watch(alice, bob.aor, "presence", ["Accept: application/pidf-diff+xml"]);
      await world.settle();
      for (const activity of ["busy", "away"]) {
        publishes(bob, pidf(bob.aor, "open", activity, activity));
        await world.pass(10);
      }
      const whole = watch(alice, bob.aor);
      await world.pass(10);
      return watching.status() === 0 || whole.status() === 0 || assembled(watching) === canonical(whole.last().body);
    },
    outcome: true,
  },
  {
    name: "a user is watched, and not any more",
    play: async (scenario) => {
      const watching = watch(scenario.alice, scenario.bob.aor);
      await scenario.world.settle();
      if (watching.status() === 0) return true;
      watching.refresh(0);
      await scenario.world.pass(10);
      return watching.status() === 0 || header(watching.last(), "subscription-state")?.startsWith("terminated");
    },
    outcome: true,
  },
  {
    name: "a list is watched: one goes away, another is added",
    play: async (scenario) => {
      const { alice, bob, world } = scenario;
      const carol = await scenario.joins("carol");
      const list = { owner: "alice", name: "friends" };
      await world.changeList(list, [{ uri: bob.aor }]);
      const watching = watchList(alice, "sip:list.friends.alice@example.com");
      await world.settle();
      bob.leaves();
      await world.pass(3);
      await world.changeList(list, [{ uri: bob.aor }, { uri: carol.aor }]);
      await world.pass(10);
      const { [bob.aor]: one, [carol.aor]: other } = tableOf(watching.notified()) ?? {};
      return watching.status() === 0 || [one, other].join() === "active closed,active open";
    },
    outcome: true,
  },
  {
    name: "a list is watched, refreshed, and not any more: nothing is left of it",
    play: async (scenario) => {
      const { alice, bob, world } = scenario;
      await world.changeList({ owner: "alice", name: "friends" }, [{ uri: bob.aor }]);
      const watching = watchList(alice, "sip:list.friends.alice@example.com");
      await world.settle();
      if (watching.status() === 0) return true;
      watching.refresh(600);
      await world.pass(3);
      if (watching.status() === 0 || tableOf(watching.notified())?.[bob.aor] !== "active open") return watching.status() === 0;
      watching.refresh(0);
      await world.pass(70);
      // A back-end subscription that nobody could end any more ends by its first notification.
      bob.leaves();
      await world.pass(10);
      const left = ["list_subscriptions", "back_ends"].map((table) => rowsOf(scenario, "alice", table));
      return watching.status() === 0 || [...left, rowsOf(scenario, "bob", "subscriptions")].join() === "0,0,0";
    },
    outcome: true,
  },
];

function rowsOf({ world }: Scenario, username: string, table: string): number {
  return world.homeOf(username).sql.rows(table).length;
}
