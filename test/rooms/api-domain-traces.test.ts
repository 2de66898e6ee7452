import { afterEach, describe, expect, it, vi } from "vitest";
import { numberHash } from "../../lib/syntax/plain-hash.ts";
import { returnToPhone } from "../../lib/transport/return-address.ts";
import { compose, newBranch } from "../support/compose.ts";
import { dialogOfCaller } from "../support/dialog.ts";
import type { Phone } from "../support/phone.ts";
import { completeCall } from "./support/calls.ts";
import { api, forgetEverything, homeOf, newcomers, provision, registered, ringAlarm, rowsOf, spentBy } from "./support/homes.ts";

const path = "/domains/localhost/trace";
const begin = (body: unknown) => api(path, { method: "PUT", body: JSON.stringify(body) });
const end = () => api(path, { method: "DELETE" });
const messages = "kept_trace WHERE number > 0";

afterEach(async () => {
  vi.useRealTimers();
  await end();
});

async function phones<Names extends readonly string[]>(...names: Names): Promise<{ readonly [Index in keyof Names]: Phone }> {
  const accounts: readonly string[] = await newcomers(...names);
  const all = await Promise.all(accounts.map((account) => registered({ account, way: "direct" })));
  return all as unknown as { readonly [Index in keyof Names]: Phone };
}

interface Traced {
  readonly text: string;
}

async function traced(account: string): Promise<readonly string[]> {
  const { entries } = (await (await api(`/domains/localhost/subscribers/${account}/trace`)).json()) as { entries: Traced[] };
  return entries.map(({ text }) => text.split("\n", 1)[0]?.trim() ?? "");
}

describe("the messages of the calls of a domain", () => {
  it("are kept at the homes of both users for a day, in spite of sleep; and those of nothing else", async () => {
    const [alice, bob] = await phones("alice", "bob");
    expect((await begin({ minutes: 10 })).status).toBe(200);
    const other = alice.request("OPTIONS", "sip:localhost");
    await alice.finalResponse(other);
    const callId = await completeCall(alice, bob);
    await forgetEverything();
    for (const { account } of [alice, bob]) {
      const kept = await traced(account);
      expect(kept.filter((line) => line.startsWith("INVITE "))).toHaveLength(1);
      expect(kept.filter((line) => line.startsWith("BYE "))).toHaveLength(1);
      expect(kept).toEqual(expect.arrayContaining([expect.stringMatching(/^SIP\/2\.0 180 /), expect.stringMatching(/^ACK /)]));
      expect(kept.some((line) => /^(?:OPTIONS|REGISTER) /.test(line))).toBe(false);
    }
    const one = (await (await api(`/domains/localhost/subscribers/${bob.account}/trace?call_id=${callId}`)).json()) as {
      entries: Traced[];
    };
    expect(one.entries.length).toBe(6);
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 26 * 3_600_000);
    await ringAlarm(alice.account);
    expect(await rowsOf(alice.account, "kept_trace")).toBe(0);
  });

  it("cost no row before and after", async () => {
    const [alice, bob] = await phones("alice", "bob");
    await completeCall(alice, bob);
    await begin({ minutes: 1 });
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 61_000);
    await completeCall(alice, bob);
    vi.useRealTimers();
    await begin({ minutes: 1 });
    expect((await end()).status).toBe(204);
    await completeCall(alice, bob);
    for (const { account } of [alice, bob]) expect(await rowsOf(account, "kept_trace")).toBe(0);
  });

  it("are those of calls that begin in the time, to their end, also after a sleep", async () => {
    const [alice, bob] = await phones("alice", "bob");
    await begin({ minutes: 1 });
    const sent = alice.request("INVITE", bob.aor);
    bob.reply(await bob.next("INVITE"), 200);
    const dialog = dialogOfCaller(await alice.finalResponse(sent));
    alice.ack(dialog);
    await bob.next("ACK");
    await end();
    await forgetEverything();
    alice.bye(dialog);
    bob.reply(await bob.next("BYE"), 200);
    await alice.next(200);
    await forgetEverything();
    for (const { account } of [alice, bob]) expect((await traced(account)).filter((line) => line.startsWith("BYE "))).toHaveLength(1);
  });

  it("are those of a number: from it or to it", async () => {
    const [alice, bob, carol] = await phones("alice", "bob", "carol");
    const number = `+4930${alice.account.replace(/\D/g, "").padStart(6, "0")}`;
    const body = JSON.stringify({ aliases: [number] });
    expect((await api(`/domains/localhost/subscribers/${bob.account}`, { method: "PUT", body })).status).toBe(200);
    expect((await begin({ minutes: 1, number: number.replace("+4930", "+49 (30) ") })).status).toBe(200);
    await completeCall(alice, carol);
    for (const { account } of [alice, carol]) expect(await rowsOf(account, "kept_trace")).toBe(0);
    const sent = alice.request("INVITE", `sip:${number}@localhost`);
    bob.reply(await bob.next("INVITE"), 486);
    await alice.finalResponse(sent);
    for (const { account } of [alice, bob]) expect(await rowsOf(account, messages)).toBeGreaterThan(2);
  });

  it("are those of one call in so many, the same at all homes", async () => {
    const [alice, bob] = await phones("alice", "bob");
    await begin({ minutes: 1, one_in: 4 });
    const ids = Array.from({ length: 12 }, () => newBranch());
    for (const callId of ids) {
      const sent = alice.request("INVITE", bob.aor, { callId });
      bob.reply(await bob.next("INVITE"), 486);
      await alice.finalResponse(sent);
    }
    const chosen = ids.filter((id) => numberHash(id) % 4 === 0);
    for (const { account } of [alice, bob]) {
      const kept = await Promise.all(ids.map((id) => rowsOf(account, `${messages} AND value LIKE '%${id}%'`)));
      expect(ids.filter((_, index) => (kept[index] ?? 0) > 0)).toEqual(chosen);
    }
  });

  it("are kept at a home that does not know of it yet, if the sender does", async () => {
    const [alice, bob] = await phones("alice", "bob");
    const callId = newBranch();
    const lines = [
      ...[`Via: SIP/2.0/WSS a.invalid;branch=${newBranch()}`, "Max-Forwards: 70", `From: <${alice.aor}>;tag=a`, `To: <${bob.aor}>`],
      ...[`Call-ID: ${callId}`, "CSeq: 1 INVITE", "Contact: <sip:alice@a.invalid>"],
    ];
    await homeOf(bob.account).deliver([
      {
        ...{ kind: "request", text: compose(`INVITE ${bob.aor} SIP/2.0`, lines), transaction: newBranch(), identity: "", isTraced: true },
        answerTo: returnToPhone(`sip:${alice.account}@localhost#1`, "flow", "phone"),
        ...{ to: { kind: "address", instance: undefined, registration: undefined }, recordRoute: undefined },
      },
    ]);
    await bob.next("INVITE");
    await expect.poll(() => rowsOf(bob.account, messages)).toBe(1);
  });

  it("are 2,000 at most at each home", async () => {
    const [alice] = await phones("alice");
    await begin({ minutes: 1 });
    for (let count = 0; count < 1050; count += 1)
      await alice.finalResponse(alice.request("INVITE", "sip:nobody@localhost", { callId: "one" }));
    expect(await rowsOf(alice.account, messages)).toBe(2000);
  });

  it("cost a row each, and one for the call", async () => {
    const [alice] = await phones("alice");
    const callNowhere = async () => {
      await spentBy(alice.account);
      await alice.finalResponse(alice.request("INVITE", "sip:nobody@localhost"));
      return (await spentBy(alice.account)).rowsWritten;
    };
    const without = await callNowhere();
    await begin({ minutes: 1 });
    const rows = await callNowhere();
    expect(await rowsOf(alice.account, messages)).toBe(2);
    expect(rows).toBe(without + 3);
  });
});

describe("/domains/{domain}/trace", () => {
  it("is what was put, until it has passed or was deleted; a change of the settings leaves it", async () => {
    await provision();
    expect((await api(path)).status).toBe(404);
    const answer = (await (await begin({ minutes: 60, number: "+4930123", one_in: 7 })).json()) as { until: string };
    expect(answer).toEqual({ until: answer.until, number: "+4930123", one_in: 7 });
    expect(Math.abs(Date.parse(answer.until) - Date.now() - 3_600_000)).toBeLessThan(10_000);
    expect(await (await api(path)).json()).toEqual(answer);
    const settings = { method: "PUT", body: JSON.stringify({ guests: false, calls_out: true }) };
    expect((await api("/domains/localhost/settings", settings)).status).toBe(200);
    expect(await (await api(path)).json()).toEqual(answer);
    expect(await (await api("/domains/localhost/settings")).json()).toMatchObject({ calls_out: true });
    const next = (await (await begin({ minutes: 1 })).json()) as object;
    expect(Object.keys(next)).toEqual(["until"]);
    expect(await (await api("/domains/localhost/settings")).json()).toMatchObject({ calls_out: true });
    expect((await end()).status).toBe(204);
    expect((await api(path)).status).toBe(404);
    expect(await (await api("/domains/localhost/settings")).json()).toMatchObject({ calls_out: true });
    await api("/domains/localhost/settings", { method: "PUT", body: "{}" });
  });

  it.each([
    [{}],
    [{ minutes: 0 }],
    [{ minutes: 1441 }],
    [{ minutes: 1, one_in: 0 }],
    [{ minutes: 1, one_in: 1.5 }],
    [{ minutes: 1, number: "alice" }],
    [{ minutes: 1, number: "1".repeat(33) }],
    [{ minutes: 1, user: "alice" }],
  ])("is not %j: 400", async (body) => {
    expect((await begin(body)).status).toBe(400);
  });

  it("is not there for a domain that does not exist: 404", async () => {
    const there = "/domains/elsewhere.example/trace";
    const answers = [await api(there), await api(there, { method: "PUT", body: '{"minutes": 1}' }), await api(there, { method: "DELETE" })];
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
  });
});
