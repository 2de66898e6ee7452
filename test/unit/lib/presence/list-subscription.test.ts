import { describe, expect, it } from "vitest";
import {
  type KnownState,
  type ListSubscription,
  type WatchedEntry,
  dueNotification,
  withList,
} from "../../../../lib/presence/list-subscription.ts";
import type { NotificationState } from "../../../../lib/transport/flow.ts";

const entry = (name: string, stamp = 0): WatchedEntry => ({ uri: `sip:${name}@example.com`, resource: `sip:${name}@example.com`, stamp });
const subscription = { created: 1000, cseq: 1, version: 1, entries: [entry("bob"), entry("carol")], removed: [], stamp: 0 };
const told: NotificationState = { version: 3, stamp: 50, cseq: 1, at: 1200 };

const state = (stamp: number, length = 4): KnownState => {
  const body = { type: "application/pidf+xml", text: "x".repeat(length) };
  return { stamp, instance: { id: "i", state: "active", reason: undefined, body } };
};

function due(
  more: Partial<ListSubscription>,
  heard: NotificationState | undefined,
  states: Readonly<Record<string, KnownState>>,
  now = 1200,
) {
  const stateOf = ({ resource }: WatchedEntry) => states[resource.slice(4, -12)] ?? { instance: undefined, stamp: 0 };
  const notification = dueNotification({ ...subscription, ...more } as ListSubscription, heard, stateOf, now, undefined);
  if (notification === undefined) return undefined;
  const { isFull, version, resources, told: next } = notification;
  const shown = resources.map(({ uri, instance }) => `${uri.slice(4, -12)} ${instance?.state ?? "unknown"}`);
  return { isFull, version, shown, stamp: next.stamp, cseq: next.cseq };
}

describe("what a watcher has to be told of a list (RFC 4662 §4.5, §5.2)", () => {
  it.each([
    ["at first: all, version 0", {}, undefined, { bob: state(40) }, 1200, [true, 0, "bob active,carol unknown", 40]],
    ["nothing that he knows", {}, told, { bob: state(50), carol: state(20) }, 1200, undefined],
    ["what is new, and nothing else", {}, told, { bob: state(60), carol: state(20) }, 1200, [false, 4, "bob active", 60]],
    ["what is new, oldest first", {}, told, { bob: state(70), carol: state(60) }, 1200, [false, 4, "carol active,bob active", 70]],
    [
      "after a SUBSCRIBE all, though nothing is new",
      { cseq: 2 },
      told,
      { bob: state(40) },
      1200,
      [true, 4, "bob active,carol unknown", 40],
    ],
    [
      "on a new connection all, with a version above all before",
      {},
      undefined,
      { bob: state(40) },
      11_000,
      [true, 98, "bob active,carol unknown", 40],
    ],
    ["who was added, though nothing is known of him", { entries: [entry("dave", 60)] }, told, {}, 1200, [false, 4, "dave unknown", 60]],
    [
      "who was removed",
      { removed: [{ uri: "sip:dave@example.com", instance: "i", stamp: 60 }] },
      told,
      {},
      1200,
      [false, 4, "dave terminated", 60],
    ],
    ["of long states so many as fit", {}, told, { bob: state(60, 100_000), carol: state(70, 100_000) }, 1200, [false, 4, "bob active", 60]],
    ["of one state that is too long that one", {}, told, { bob: state(60, 400_000) }, 1200, [false, 4, "bob active", 60]],
    [
      "in full with long states, the others of which nothing is known yet",
      {},
      undefined,
      { bob: state(70, 100_000), carol: state(60, 100_000) },
      1200,
      [true, 0, "bob unknown,carol active", 60],
    ],
  ] as const)("%s", (_rule, more, heard, states, now, expected) => {
    const notification = due(more, heard, states, now);
    const { isFull, version, shown, stamp } = notification ?? {};
    expect(notification && [isFull, version, shown?.join(), stamp]).toEqual(expected);
  });

  it("what did not fit is told next", () => {
    const states = { bob: state(60, 100_000), carol: state(70, 100_000) };
    expect(due({}, { ...told, version: 4, stamp: 60 }, states)).toMatchObject({ isFull: false, version: 5, shown: ["carol active"] });
  });
});

describe("a changed list", () => {
  const change = (...entries: readonly { uri: string; name?: string }[]) =>
    withList(
      subscription as unknown as ListSubscription,
      { version: 2, entries: entries.map((one) => ({ ...one, resource: one.uri })) },
      ({ resource }) => `of ${resource}`,
      90,
    );
  const [bob, dave] = ["sip:bob@example.com", "sip:dave@example.com"];

  it("keeps who stays, stamps who is new or named otherwise, and remembers who is gone", () => {
    const { entries, removed, version, stamp } = change({ uri: bob }, { uri: dave, name: "Dave" });
    expect([version, stamp]).toEqual([2, 90]);
    expect(entries.map(({ uri, stamp: at }) => [uri, at])).toEqual([
      [bob, 0],
      [dave, 90],
    ]);
    expect(removed).toEqual([{ uri: "sip:carol@example.com", instance: "of sip:carol@example.com", stamp: 90 }]);
    expect(change({ uri: bob, name: "Bob" }).entries[0]?.stamp).toBe(90);
  });

  it("with somebody who had gone shows him again", () => {
    const gone = change({ uri: bob });
    const back = withList(
      gone,
      { version: 3, entries: [{ uri: "sip:carol@example.com", resource: "sip:carol@example.com" }] },
      () => "i",
      95,
    );
    expect([back.removed.map(({ uri }) => uri), back.entries.map(({ stamp }) => stamp)]).toEqual([[bob], [95]]);
  });
});
