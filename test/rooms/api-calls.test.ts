import { describe, expect, it } from "vitest";
import { dialogOfCaller } from "../support/dialog.ts";
import { api, homes, newcomers, registered } from "./support/homes.ts";

interface WrittenCall {
  readonly id: string;
  readonly state: string;
}

const path = (username: string): string => `/domains/localhost/subscribers/${username}/calls`;
const list = async (username: string): Promise<WrittenCall[]> =>
  ((await (await api(path(username))).json()) as { calls: WrittenCall[] }).calls;
const end = async (username: string, id = ""): Promise<number> => (await api(`${path(username)}/${id}`, { method: "DELETE" })).status;

describe("the calls of a subscriber", () => {
  it("are none, and no home, where nobody has ever registered", async () => {
    const [alice] = await newcomers("alice");
    const before = await homes();
    expect(await list(alice)).toEqual([]);
    expect(await end(alice, "0123456789abcdef")).toBe(404);
    expect(await homes()).toEqual(before);
  });

  it("are listed while they ring and when they are answered, and end by DELETE, once", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const [caller, callee] = [await registered({ account: alice, way: "direct" }), await registered({ account: bob, way: "direct" })];
    const sent = caller.request("INVITE", callee.aor);
    const invite = await callee.next("INVITE");
    callee.reply(invite, 180);
    await caller.next(180);
    expect(await list(alice)).toMatchObject([{ state: "calling", direction: "outgoing", call_id: null, remote: null }]);
    expect(await list(bob)).toMatchObject([{ state: "ringing", direction: "incoming", call_id: sent.callId, since: null }]);
    callee.reply(invite, 200);
    const dialog = dialogOfCaller(await caller.finalResponse(sent));
    caller.ack(dialog);
    await callee.next("ACK");
    const [call] = await list(alice);
    expect(call).toMatchObject({
      ...{ id: expect.stringMatching(/^[0-9a-f]{16}$/), state: "answered", direction: "outgoing", call_id: sent.callId },
      ...{ remote: callee.aor, since: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) },
    });
    expect((await list(bob))[0]?.id).toBe(call?.id);
    expect(await end(bob, call?.id)).toBe(204);
    for (const phone of [caller, callee]) phone.reply(await phone.next("BYE"), 200);
    expect([await list(alice), await list(bob), await end(bob, call?.id)]).toEqual([[], [], 404]);
  });

  it("are listed for the whole domain, each once", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const [caller, callee] = [await registered({ account: alice, way: "direct" }), await registered({ account: bob, way: "direct" })];
    caller.request("INVITE", callee.aor);
    const invite = await callee.next("INVITE");
    callee.reply(invite, 180);
    await caller.next(180);
    const ids = async () => {
      const found: { id: string; username: string }[] = [];
      for (let cursor: string | null = ""; cursor !== null;) {
        const page = (await (await api(`/domains/localhost/live-calls?cursor=${cursor}`)).json()) as {
          calls: { id: string; username: string }[];
          next_cursor: string | null;
        };
        found.push(...page.calls);
        cursor = page.next_cursor;
      }
      return found.filter(({ username }) => [alice, bob].includes(username));
    };
    expect((await ids()).map(({ id }) => id)).toEqual([(await list(alice))[0]?.id]);
    callee.reply(invite, 486);
    await caller.next(486);
    expect(await ids()).toEqual([]);
    expect((await api("/domains/none.example/live-calls")).status).toBe(404);
  });

  it("of an unknown user are 404", async () => {
    expect((await api(path("no-such-user"))).status).toBe(404);
    expect(await end("no-such-user", "0123456789abcdef")).toBe(404);
  });
});
