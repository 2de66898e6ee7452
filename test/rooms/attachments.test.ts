import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { Sql } from "../../platform/sql.ts";
import { schema } from "../../durable-objects/address-of-record/schema.ts";
import { Sockets } from "../../durable-objects/address-of-record/sockets.ts";
import { type Flow, flowVersion } from "../../lib/transport/flow.ts";
import { hashesOf } from "../support/provision.ts";
import { api, connect, forgetEverything, homeOf, newcomers, registered, rowsOf, rowsIn } from "./support/homes.ts";

const bare: Flow = {
  ...{
    version: flowVersion,
    id: "12345678",
    way: "dedicated",
    host: "h".repeat(253),
    address: "2001:db8:1:2",
    opened: Date.now(),
    hasValidMessage: false,
  },
  ...{ authenticated: undefined, unverifiedSubscriber: undefined, nonceCounts: [], boundContacts: [], pendingInvites: [], proceeding: [] },
};
const many = <T>(count: number, item: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => item(index));
const long = (length: number, index: number) => `${"x".repeat(length)}${index}`;
const home = (index: number) => `sip:${long(380, index)}@example.com#1`;

/** Each part of a flow at its largest. */
const largest: Partial<Flow> = {
  nonceCounts: many(16, (index) => [long(500, index), index] as const),
  boundContacts: many(10, (index) => ({
    ...{ key: long(400, index), phone: long(40, index), contact: long(2000, index) },
    callId: long(200, index),
    cseq: index,
    expires: 2e12,
  })),
  nonSubscriber: {
    kind: "peer",
    domain: "example.com",
    name: "partner",
    domains: many(100, (index) => `${long(200, index)}.example`),
    isTrusted: false,
  },
  pendingInvites: many(40, (index) => ({
    transaction: long(90, index),
    home: home(index),
    at: 2e12,
    name: long(20, index),
    contact: long(20, index),
  })),
  proceeding: many(64, (index) => ({ branch: long(90, index), at: 2e12, tag: long(64, index) })),
  confirmed: ` ${many(16, (index) => long(90, index)).join(" ")} `,
  activeCalls: many(50, (index) => ({
    ...{ name: long(20, index), since: 2e12 },
    details: {
      callId: long(200, index),
      localTag: long(60, index),
      remoteTag: "r",
      remote: "ü€".repeat(100),
      target: long(400, index),
      isCaller: true,
    },
  })),
  sent: many(40, (index) => ({ key: long(90, index), phone: long(40, index), at: 2e12, number: index })),
  listStates: Object.fromEntries(many(50, (index) => [long(40, index), { version: 2e12, stamp: 2e12, cseq: 1, at: 2e12 }])),
};

describe("what a socket remembers", () => {
  const parts = [
    ...Object.keys(largest).map((name) => [name, { [name]: largest[name as keyof Flow] }] as const),
    ["all together", largest] as const,
  ];
  it.each(parts)("at its largest is there after a sleep: %s", async (_name, changes) => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "direct" });
    await runInDurableObject(homeOf(alice), (_home, state) => {
      const sockets = () => new Sockets(state, new Sql(state.storage.sql, schema), () => "");
      const { 1: server } = new WebSocketPair();
      const awake = sockets();
      expect(awake.accept(server, bare)).toBe(true);
      awake.update(bare.id, changes as Partial<Flow>);
      expect(sockets().byId(bare.id)).toEqual({ ...bare, ...changes });
      // What is small again needs no row, and neither does a socket that has gone.
      awake.update(bare.id, { activeCalls: [], pendingInvites: [] });
      expect(sockets().byId(bare.id)).toEqual({ ...bare, ...changes, activeCalls: [], pendingInvites: [] });
      awake.closed(server);
      expect(rowsIn(state.storage.sql, "attachments")).toEqual([]);
    });
  });

  it("may be there from the start", async () => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "direct" });
    await runInDurableObject(homeOf(alice), (_home, state) => {
      const { 1: server } = new WebSocketPair();
      new Sockets(state, new Sql(state.storage.sql, schema), () => "").accept(server, { ...bare, ...largest });
      expect(new Sockets(state, new Sql(state.storage.sql, schema), () => "").byId(bare.id)).toEqual({ ...bare, ...largest });
    });
  });

  it("is measured before a socket is accepted: one with too much is refused, and none is left open", async () => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "direct" });
    await runInDurableObject(homeOf(alice), (_home, state) => {
      const { 1: server } = new WebSocketPair();
      const before = state.getWebSockets().length;
      expect(new Sockets(state, new Sql(state.storage.sql, schema), () => "").accept(server, { ...bare, host: "h".repeat(20_000) })).toBe(
        false,
      );
      expect(state.getWebSockets().length).toBe(before);
    });
  });

  it("is necessary: a socket without it is closed with 1011", async () => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "direct" });
    const closed = await runInDurableObject(homeOf(alice), async (_home, state) => {
      const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
      state.acceptWebSocket(server);
      const code = new Promise<number>((resolve) => client.addEventListener("close", (event) => resolve(event.code)));
      client.accept();
      expect(new Sockets(state, new Sql(state.storage.sql, schema), () => "").of(server)).toBe(undefined);
      return code;
    });
    expect(closed).toBe(1011);
  });
});

describe("a user with rules as long as they may be, and many long aliases", () => {
  const watchers = Object.fromEntries(many(60, (index) => [`${long(85, index)}@watchers.example.com`, "allow"]));
  const aliases = many(49, (index) => long(50, index));

  it.each([false, true])("authenticates at /ws/{user}; after a sleep: %s", async (sleeps) => {
    const [alice] = await newcomers("alice");
    const phone = await registered({ account: alice, way: "direct" });
    const name = `/domains/localhost/subscribers/${alice}`;
    const subscriber = { ha1: hashesOf(alice, "localhost", "offhook"), aliases: aliases.map((alias) => `${alias}-${alice}`.slice(-64)) };
    await changes(name, subscriber);
    await changes(`${name}/rules`, { watching: { watchers } });
    phone.socket.close();
    const again = await connect({ account: alice, way: "direct" });
    const challenged = again.request("REGISTER", "sip:localhost", { to: `<${again.aor}>` });
    expect((await again.finalResponse(challenged)).status).toBe(401);
    if (sleeps) await forgetEverything();
    expect((await again.register()).status).toBe(200);
    expect(await rowsOf(alice, "attachments")).toBe(0);
  });
});

async function changes(path: string, body: unknown): Promise<void> {
  const answer = await api(path, { method: "PUT", body: JSON.stringify(body) });
  expect(answer.ok ? "" : await answer.text()).toBe("");
}
