import { describe, expect, it } from "vitest";
import { type Cast, stage } from "./world/scenario.ts";
import { type Loss, losses } from "./world/world.ts";

/** A conversation, and what its phones must have come to, whatever is lost at whichever step. */
interface Conversation {
  readonly name: string;
  readonly play: (cast: Cast) => Promise<unknown>;
  readonly outcome: unknown;
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

const conversations: readonly Conversation[] = [
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
];

async function steps({ play }: Conversation): Promise<number> {
  const cast = await stage();
  const before = cast.world.steps;
  await play(cast);
  cast.world.end();
  return cast.world.steps - before;
}

/** What came of it, as text: the outcome, or what was thrown. */
async function playWith({ play }: Conversation, loss: Loss, at: number): Promise<string> {
  const cast = await stage();
  cast.world.plan(at, loss);
  try {
    const outcome = await play(cast);
    if (isUnsent(cast)) return "unsent";
    return cast.world.faults.length === 0 ? JSON.stringify(outcome) : String((cast.world.faults[0] as Error).stack);
  } catch (error) {
    return isUnsent(cast) ? "unsent" : String(error);
  } finally {
    cast.world.end();
  }
}

/** The INVITE went down with its socket before anything answered it: its phone knows, and gives it up by Timer B. */
function isUnsent({ alice, bob }: Cast): boolean {
  return alice.state === "calling" && alice.call.invite?.provisional === 0 && bob.state === "idle";
}

describe("whatever is lost between any two messages, or between saving and sending", () => {
  const rows: string[] = [];
  it.each(conversations)("$name", async (conversation) => {
    const count = await steps(conversation);
    const failures: string[] = [];
    for (const loss of losses) {
      let passed = 0;
      let unsent = 0;
      for (let at = 1; at <= count; at += 1) {
        const outcome = await playWith(conversation, loss, at);
        if (outcome === JSON.stringify(conversation.outcome)) passed += 1;
        else if (outcome === "unsent") unsent += 1;
        else failures.push(`${loss} before step ${at} of ${count}: ${outcome}`);
      }
      rows.push(
        `${conversation.name.padEnd(48)} ${loss.padEnd(6)} ${passed}/${count}${unsent === 0 ? "" : ` (${unsent}: the INVITE had not been answered, and the phone ends it)`}`,
      );
    }
    console.log(rows.splice(0).join("\n"));
    expect(failures).toEqual([]);
  });
});
