import { header } from "../../support/heard.ts";
import { tableOf, watchList } from "../../support/list-watching.ts";
import { canonical } from "../../support/patch.ts";
import { assembled, basics, pidf, publishes, watch } from "../../support/watching.ts";
import type { Cast, CastOptions } from "./scenario.ts";

/** A conversation, and what its phones must have come to, whatever is lost at whichever step. */
export interface Conversation {
  readonly name: string;
  readonly play: (cast: Cast) => Promise<unknown>;
  readonly outcome: unknown;
  readonly options?: CastOptions;
}

const calls = async ({ alice, bob, world }: Cast): Promise<void> => {
  alice.invites(bob.aor);
  await world.settle();
};
const talks = async (cast: Cast): Promise<void> => {
  await calls(cast);
  cast.bob.answers();
  await cast.world.settle();
};

export const conversations: readonly Conversation[] = [
  {
    name: "a phone registers",
    play: async ({ joins }) => (await joins("carol")).all(200, "REGISTER").length > 0,
    outcome: true,
  },
  {
    name: "a call rings",
    play: async (cast) => {
      await calls(cast);
      return [cast.alice.state, cast.bob.state];
    },
    outcome: ["hears ringing", "ringing"],
  },
  {
    name: "a call is answered",
    play: async (cast) => {
      await talks(cast);
      return [cast.alice.state, cast.bob.state];
    },
    outcome: ["talking", "talking"],
  },
  {
    name: "a call is answered, and the caller hangs up",
    play: async (cast) => {
      await talks(cast);
      cast.alice.hangsUp();
      await cast.world.settle();
      return [cast.alice.state, cast.bob.state];
    },
    outcome: ["ended by bye", "ended by bye"],
  },
  {
    name: "a call is answered, and the callee hangs up",
    play: async (cast) => {
      await talks(cast);
      cast.bob.hangsUp();
      await cast.world.settle();
      return [cast.alice.state, cast.bob.state];
    },
    outcome: ["ended by bye", "ended by bye"],
  },
  {
    name: "a call is cancelled",
    play: async (cast) => {
      await calls(cast);
      cast.alice.cancels();
      await cast.world.settle();
      return [cast.alice.state, cast.bob.state];
    },
    outcome: ["ended 487", "ended 487"],
  },
  {
    name: "a call is rejected",
    play: async (cast) => {
      await calls(cast);
      cast.bob.rejects(486);
      await cast.world.settle();
      return [cast.alice.state, cast.bob.state];
    },
    outcome: ["ended 486", "ended 486"],
  },
  {
    name: "of two phones one answers",
    play: async (cast) => {
      const second = await cast.joins("bob");
      await calls(cast);
      cast.bob.answers();
      await cast.world.settle();
      return [cast.alice.state, cast.bob.state, second.state];
    },
    outcome: ["talking", "talking", "ended 487"],
  },
  {
    name: "two phones refuse, one after the other",
    play: async (cast) => {
      const second = await cast.joins("bob");
      await calls(cast);
      cast.bob.rejects(486);
      await cast.world.settle();
      second.rejects(404);
      await cast.world.settle();
      return [cast.alice.state, cast.bob.state, second.state];
    },
    outcome: ["ended 486", "ended 486", "ended 404"],
  },
  {
    name: "one phone of a user calls another, which rejects",
    play: async (cast) => {
      const second = await cast.joins("alice");
      cast.alice.invites(cast.alice.aor);
      await cast.world.settle();
      second.rejects(486);
      await cast.world.settle();
      return [cast.alice.state, second.state];
    },
    outcome: ["ended 486", "ended 486"],
  },
  {
    name: "one phone refuses, and that of the next group answers",
    options: { bob: { parameters: ";q=0.9" } },
    play: async (cast) => {
      const second = await cast.joins("bob", { parameters: ";q=0.1" });
      await calls(cast);
      cast.bob.rejects(486);
      await cast.world.settle();
      second.answers();
      await cast.world.settle();
      return [cast.alice.state, cast.bob.state, second.state];
    },
    outcome: ["talking", "ended 486", "talking"],
  },
  {
    name: "a call is put on hold, and ended",
    play: async (cast) => {
      await talks(cast);
      const { dialog } = cast.alice.call;
      if (dialog === undefined) return false;
      cast.alice.within("INVITE", dialog, [`Contact: ${cast.alice.contact}`]);
      await cast.world.settle();
      cast.bob.hangsUp();
      await cast.world.settle();
      return [cast.alice.state, cast.bob.state];
    },
    outcome: ["ended by bye", "ended by bye"],
  },
  {
    name: "a call is sent on, answered and ended",
    options: { rules: { bob: { forward: { always: "sip:carol@example.com" } } } },
    play: async (cast) => {
      const carol = await cast.joins("carol");
      cast.alice.invites(cast.bob.aor);
      await cast.world.settle();
      carol.answers();
      await cast.world.settle();
      carol.hangsUp();
      await cast.world.settle();
      return [cast.alice.state, carol.state];
    },
    outcome: ["ended by bye", "ended by bye"],
  },
  {
    name: "a call is sent on when busy, and cancelled",
    options: { rules: { bob: { forward: { busy: "sip:carol@example.com" } } } },
    play: async (cast) => {
      const carol = await cast.joins("carol");
      await calls(cast);
      cast.bob.rejects(486);
      await cast.world.settle();
      cast.alice.cancels();
      await cast.world.settle();
      await cast.world.pass(3);
      return [cast.alice.state, cast.bob.state, carol.state];
    },
    outcome: ["ended 487", "ended 486", "ended 487"],
  },
  {
    name: "a call is sent on when nobody answers",
    options: { rules: { bob: { forward: { noAnswer: { to: "sip:carol@example.com", after: 10 } } } } },
    play: async (cast) => {
      const carol = await cast.joins("carol");
      await calls(cast);
      await cast.world.pass(15);
      carol.answers();
      await cast.world.settle();
      return [cast.alice.state, cast.bob.state, carol.state];
    },
    outcome: ["talking", "ended 487", "talking"],
  },
  {
    name: "a call to a phone that is away, and comes",
    play: async (cast) => {
      cast.bob.leaves();
      await cast.world.settle();
      await calls(cast);
      await cast.bob.comesOnline();
      await cast.world.settle();
      cast.bob.answers();
      await cast.world.settle();
      return [cast.alice.state, cast.bob.state];
    },
    outcome: ["talking", "talking"],
  },
  {
    name: "a call is ended while the other is away",
    play: async (cast) => {
      await talks(cast);
      cast.bob.leaves();
      await cast.world.settle();
      cast.alice.hangsUp();
      await cast.world.settle();
      await cast.bob.comesOnline();
      return [cast.alice.state, cast.bob.state];
    },
    outcome: ["ended by bye", "ended by bye"],
  },
  {
    name: "a call rings until its end (Timer C)",
    play: async (cast) => {
      await calls(cast);
      // A loss at its end makes the phone ring anew, and Timer C with it.
      await cast.world.pass(450);
      return [cast.alice.state, cast.bob.state];
    },
    outcome: ["ended 487", "ended 487"],
  },
  {
    name: "a JsSIP callee is called and answers",
    options: { bob: { manners: "forgets", userAgent: "JsSIP 3.13.8" } },
    play: async (cast) => {
      await talks(cast);
      return [cast.alice.state, cast.bob.state];
    },
    outcome: ["talking", "talking"],
  },
  {
    name: "a message is stored, and delivered",
    play: async (cast) => {
      cast.bob.leaves();
      await cast.world.pass(31);
      const sent = cast.alice.asks("MESSAGE", cast.bob.aor, ["Content-Type: text/plain"], "hello");
      await cast.world.settle();
      await cast.bob.comesOnline();
      // Of one that got no answer its sender knows that it may not have been taken.
      return sent.final === 0 || (sent.final === 202 && cast.bob.all("MESSAGE").length > 0);
    },
    outcome: true,
  },
  {
    name: "a user is watched who goes away",
    play: async (cast) => {
      const watching = watch(cast.alice, cast.bob.aor);
      await cast.world.settle();
      cast.bob.leaves();
      await cast.world.pass(10);
      return watching.status() === 0 || basics(watching.last()).join() === "closed";
    },
    outcome: true,
  },
  {
    name: "a user is watched who goes away and comes back",
    play: async (cast) => {
      const watching = watch(cast.alice, cast.bob.aor);
      await cast.world.settle();
      cast.bob.leaves();
      await cast.world.pass(3);
      await cast.bob.comesOnline();
      await cast.world.pass(10);
      return watching.status() === 0 || basics(watching.last()).join() === "open";
    },
    outcome: true,
  },
  {
    name: "a user is watched who publishes his state",
    play: async (cast) => {
      const watching = watch(cast.alice, cast.bob.aor);
      await cast.world.settle();
      const sent = publishes(cast.bob, pidf(cast.bob.aor, "open", "busy"));
      await cast.world.pass(10);
      // Of what got no answer its sender knows that it may not have been taken.
      return watching.status() === 0 || sent.final === 0 || watching.last().body.includes("busy");
    },
    outcome: true,
  },
  {
    name: "a user is watched by one who takes changes",
    play: async (cast) => {
      const { alice, bob, world } = cast;
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
    play: async (cast) => {
      const watching = watch(cast.alice, cast.bob.aor);
      await cast.world.settle();
      if (watching.status() === 0) return true;
      watching.refresh(0);
      await cast.world.pass(10);
      return watching.status() === 0 || header(watching.last(), "subscription-state")?.startsWith("terminated");
    },
    outcome: true,
  },
  {
    name: "a list is watched: one goes away, another is added",
    play: async (cast) => {
      const { alice, bob, world } = cast;
      const carol = await cast.joins("carol");
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
    play: async (cast) => {
      const { alice, bob, world } = cast;
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
      const left = ["list_subscriptions", "back_ends"].map((table) => rowsOf(cast, "alice", table));
      return watching.status() === 0 || [...left, rowsOf(cast, "bob", "subscriptions")].join() === "0,0,0";
    },
    outcome: true,
  },
];

function rowsOf({ world }: Cast, username: string, table: string): number {
  return world.homeOf(username).sql.exec(`SELECT * FROM ${table}`).toArray().length;
}
