import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Subscriber } from "../../lib/location/subscriber.ts";
import { directoryOf } from "../../platform/directory/directory.ts";
import { connectHome } from "../../workers/home-socket.ts";
import { header } from "../support/received-message.ts";
import { hashesOf } from "../support/provision.ts";
import { api, connect, forgetEverything, homeOf, homes, newcomers, phoneOn, registered, rowsOf, valuesOf } from "./support/homes.ts";

/** What provisioning does to homes: open ones are told at once, others are left alone. */
const put = (username: string, change: object): Promise<Response> =>
  api(`/domains/localhost/subscribers/${username}`, { method: "PUT", body: JSON.stringify(change) });

const remove = (username: string): Promise<Response> => api(`/domains/localhost/subscribers/${username}`, { method: "DELETE" });

/** The row as a edge proxy has it in its cache. */
async function rowOf(username: string): Promise<Subscriber> {
  const answer = await directoryOf(env).find(username, "localhost");
  if (answer.kind !== "subscriber") throw new Error(`${username} was not provisioned`);
  return answer.subscriber;
}

const homeConnection = { way: "shared", host: "localhost", address: "", isAuthenticated: true } as const;

describe("a changed password", () => {
  it.each(["direct", "general"] as const)(
    "closes the sockets of an open home, and the old one no longer registers, %s way",
    async (way) => {
      const [alice] = await newcomers("alice");
      const phone = await registered({ account: alice, way });
      expect((await put(alice, { password: "renewed-one" })).status).toBe(200);
      expect((await phone.socket.closed).code).toBe(4401);
      const old = await connect({ account: alice, way });
      expect((await old.register()).status).toBe(401);
      const renewed = await connect({ account: alice, way, password: "renewed-one" });
      expect((await renewed.register()).status).toBe(200);
    },
  );

  it("counts on sockets that were there before it, unauthenticated", async () => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "general" });
    const old = await connect({ account: alice, way: "direct" });
    const renewed = await connect({ account: alice, way: "direct", password: "renewed-one" });
    await put(alice, { password: "renewed-one" });
    expect((await old.register()).status).toBe(401);
    expect((await renewed.register()).status).toBe(200);
  });

  it("counts for a home connection that the edge proxy let in by a row that it read before", async () => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "general" });
    const subscriber = await rowOf(alice);
    await put(alice, { password: "renewed-one" });
    const phone = phoneOn(await connectHome(env, { ...homeConnection, subscriber }), { account: alice, way: "general" });
    expect((await phone.finalResponse(phone.request("OPTIONS", "sip:localhost"))).status).toBe(407);
  });
});

describe("changed aliases", () => {
  it("keep the password, and every socket open", async () => {
    const [alice] = await newcomers("alice");
    const phone = await registered({ account: alice, way: "direct" });
    expect((await put(alice, { aliases: [`${alice}-info`] })).status).toBe(200);
    expect((await phone.register()).status).toBe(200);
    const another = await connect({ account: alice, way: "direct" });
    expect((await another.register()).status).toBe(200);
  });

  it("count at once: the new one may stand in From, the old one no longer", async () => {
    const [alice] = await newcomers("alice");
    await put(alice, { aliases: [`${alice}-old`] });
    await registered({ account: alice, way: "general" });
    const phone = await registered({ account: alice, way: "direct" });
    await put(alice, { aliases: [`${alice}-new`] });
    const from = (name: string) => ({ from: `<sip:${alice}-${name}@localhost>;tag=a` });
    const refused = phone.request("OPTIONS", "sip:localhost", from("old"));
    expect((await phone.finalResponse(refused)).status).toBe(403);
    const taken = phone.request("OPTIONS", "sip:localhost", from("new"));
    expect((await phone.finalResponse(taken)).status).toBe(200);
  });

  it("that two subscribers want at the same time are given to one of them", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const alias = `${alice}-wanted`;
    const answers = await Promise.all([put(alice, { aliases: [alias] }), put(bob, { aliases: [alias] })]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });
});

describe("a deleted subscriber", () => {
  it("has his phones closed and his bindings ended: whoever calls gets 404", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const phone = await registered({ account: alice, way: "direct" });
    const caller = await registered({ account: bob, way: "direct" });
    expect((await remove(alice)).status).toBe(204);
    const { code, reason } = await phone.socket.closed;
    expect([code, reason]).toEqual([4404, "this account no longer exists"]);
    expect((await caller.finalResponse(caller.request("INVITE", phone.aor))).status).toBe(404);
    const again = await connect({ account: alice, way: "direct" });
    expect((await again.register()).status).toBe(401);
  });

  it.each([true, false])(
    "finds no way back by a row that the edge proxy read before (authenticated there: %s)",
    async (isAuthenticated) => {
      const [alice] = await newcomers("alice");
      await registered({ account: alice, way: "general" });
      const subscriber = await rowOf(alice);
      await remove(alice);
      await forgetEverything();
      const phone = phoneOn(await connectHome(env, { ...homeConnection, isAuthenticated, subscriber }), { account: alice, way: "general" });
      expect((await phone.register()).status).toBe(401);
    },
  );

  it("goes with his domain as well", async () => {
    await api("/domains/doomed.example", { method: "PUT" });
    await api("/domains/doomed.example/subscribers/alice", {
      method: "PUT",
      body: JSON.stringify({ ha1: hashesOf("alice", "doomed.example", "offhook") }),
    });
    const phone = await registered({ account: "alice", domain: "doomed.example", way: "general" });
    expect((await api("/domains/doomed.example", { method: "DELETE" })).status).toBe(204);
    expect((await phone.socket.closed).code).toBeGreaterThan(1000);
  });

  it("who is made again has a home of another name, in which nothing is left", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    await registered({ account: alice, way: "direct" });
    const caller = await registered({ account: bob, way: "direct" });
    await remove(alice);
    expect((await put(alice, { ha1: hashesOf(alice, "localhost", "offhook") })).status).toBe(201);
    expect((await caller.finalResponse(caller.request("INVITE", `sip:${alice}@localhost`))).status).toBe(480);
    const phone = await registered({ account: alice, way: "direct" });
    expect(header(await phone.register({ contacts: [] }), "contact")).toContain(phone.host);
    expect((await homeOf(alice, 2).lastMessages()).length).toBeGreaterThan(0);
    expect(await homes()).toContain(String(env.ADDRESS_OF_RECORD.idFromName(`sip:${alice}@localhost#2`)));
  });
});

describe("provisioning", () => {
  it("never opens a home", async () => {
    const before = (await homes()).length;
    const [alice] = await newcomers("alice");
    await put(alice, { password: "renewed-one", aliases: [`${alice}-info`] });
    const path = `/domains/localhost/subscribers/${alice}`;
    expect(await (await api(path)).json()).toMatchObject({ opened: false });
    expect(await (await api(`${path}/trace`)).json()).toEqual({ entries: [], failed: [] });
    await remove(alice);
    expect(await homes()).toHaveLength(before);
  });

  it("says of a subscriber whether his home is open", async () => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "general" });
    expect(await (await api(`/domains/localhost/subscribers/${alice}`)).json()).toMatchObject({ opened: true });
  });
});

describe("failed calls in the trace", () => {
  interface Failed {
    readonly call_id: string;
    readonly status: number;
    readonly messages: readonly { readonly direction: string; readonly text: string }[];
  }
  const failedOf = async (user: string, query = ""): Promise<Failed[]> =>
    (await (await api(`/domains/localhost/subscribers/${user}/trace${query}`)).json<{ failed: Failed[] }>()).failed;

  /** alice's phone proves who she is in each request, and bob's refuses her call; then both homes are evicted. */
  const refused = async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const caller = await registered({ account: alice, way: "direct" });
    const callee = await registered({ account: bob, way: "general" });
    const callId = `refused-${alice}`;
    const secrets: [string, string][] = [
      ["Authorization", 'Digest username="x", realm="other.example", nonce="n", uri="sip:x", response="0123456789abcdef0123456789abcdef"'],
      ["Proxy-Authorization", "Bearer token-of-alice"],
    ];
    const body = "v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:keyOfMedia\r\na=ice-pwd:passwordOfIce\r\nm=audio 9 RTP/AVP 0\r\n";
    const headers: [string, string][] = [...secrets, ["Content-Type", "application/sdp"]];
    const sent = caller.request("INVITE", callee.aor, { callId, headers, body });
    callee.reply(await callee.next("INVITE"), 486);
    caller.ackRefusal(sent, await caller.next(486));
    await expect.poll(() => rowsOf(bob, "contexts")).toBe(0);
    await forgetEverything();
    return { alice, bob, callId };
  };

  it("are there after the home has slept, at both ends, the last messages are not", async () => {
    const { alice, bob, callId } = await refused();
    for (const [user, side] of [
      [alice, "caller"],
      [bob, "callee"],
    ] as const) {
      const path = `/domains/localhost/subscribers/${user}/trace`;
      const trace = await (await api(path)).json<{ entries: unknown[] }>();
      expect(trace).toMatchObject({ entries: [], failed: [{ call_id: callId, side, status: 486 }] });
      expect((await failedOf(user))[0]?.messages[0]).toMatchObject({ direction: "in", text: expect.stringMatching(/^INVITE /) as unknown });
      const text = await (await api(`${path}?format=text&call_id=${callId}`)).text();
      expect(text).toMatch(
        new RegExp(`# \\S+Z 486 .*\\n# {3}from .*${alice}@localhost.*\\n# {3}to .*${bob}@localhost.*\\n# {3}Call-ID ${callId}`),
      );
      expect(text).toMatch(/Z <-- \S+\nINVITE /);
      expect(text).toMatch(/Z --> \S+\nSIP\/2\.0 486 /);
      expect(await failedOf(user, "?call_id=other")).toEqual([]);
    }
  });

  it("have no secret in their rows: no credentials, no keys of media", async () => {
    const { alice, bob } = await refused();
    for (const user of [alice, bob]) {
      const [row] = await valuesOf(user, "failed_calls");
      expect(row).toContain("m=audio 9 RTP/AVP 0");
      expect(row).not.toMatch(/0123456789abcdef|token-of-alice|keyOfMedia|passwordOfIce/);
    }
  });
});

describe("the trace", () => {
  const traced = async () => {
    const [alice] = await newcomers("alice");
    const phone = await registered({ account: alice, way: "direct" });
    await phone.transact("OPTIONS", "sip:localhost", { callId: "traced" });
    const another = await connect({ account: alice, way: "direct" });
    await another.register();
    return { alice, path: `/domains/localhost/subscribers/${alice}/trace` };
  };

  it("is JSON: the messages in order, each with its time, direction and flow", async () => {
    const { path } = await traced();
    const answer = await api(path);
    const { entries }: { entries: { at: number; direction: string; flow: string; text: string }[] } = await answer.json();
    const options = entries.filter(({ text }) => text.includes("Call-ID: traced"));
    expect(options.map(({ direction, text }) => [direction, text.slice(0, text.indexOf(" "))])).toEqual([
      ["in", "OPTIONS"],
      ["out", "SIP/2.0"],
    ]);
    for (const { at, flow } of entries) expect([at > 1.7e12, flow.length]).toEqual([true, 8]);
    expect(entries.map(({ at }) => at)).toEqual(entries.map(({ at }) => at).sort((one, other) => one - other));
  });

  it.each([
    ["?format=text", "*/*"],
    ["", "text/plain"],
  ])("is text for people (%s, Accept: %s)", async (query, accept) => {
    const { path } = await traced();
    const answer = await api(`${path}${query}`, { headers: { Authorization: "Bearer test-admin-token", Accept: accept } });
    expect(answer.headers.get("Content-Type")).toBe("text/plain; charset=utf-8");
    expect(await answer.text()).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z <-- \S{8}\nOPTIONS sip:localhost SIP\/2\.0\nVia: /m);
  });

  it("says what its arrows mean, and they do: towards the connection is what the server has sent", async () => {
    const { path } = await traced();
    const text = await (await api(`${path}?format=text`)).text();
    expect(text).toMatch(/^# <-- \S+ +Offhook received this .*\n# --> \S+ +Offhook sent this/);
    expect(text).toMatch(/Z <-- \S{8}\nREGISTER /);
    expect(text).toMatch(/Z --> \S{8}\nSIP\/2\.0 401 /);
    expect(text).not.toMatch(/Z --> \S+\nREGISTER |Z <-- \S+\nSIP\/2\.0 401 /);
  });

  it("shows one call alone, if asked", async () => {
    const { path } = await traced();
    const { entries } = await (await api(`${path}?call_id=traced`)).json<{ entries: { text: string }[] }>();
    expect(entries).toHaveLength(2);
    for (const { text } of entries) expect(text).toContain("Call-ID: traced");
    expect(await (await api(`${path}?call_id=of-no-call`)).json()).toEqual({ entries: [], failed: [] });
  });

  it("masks the credentials", async () => {
    const { path } = await traced();
    const text = await (await api(path)).text();
    expect(text).toContain('response=\\"***\\"');
    expect(text).not.toMatch(/response=\\?"?[0-9a-f]{32}/i);
  });
});
