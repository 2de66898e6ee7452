import { describe, expect, it } from "vitest";
import { api, homes, newcomers, registered } from "./support/homes.ts";

interface PresentedCredentials {
  readonly id: string;
  readonly contact: string;
  readonly reachable: boolean;
}

const path = (username: string): string => `/domains/localhost/subscribers/${username}/bindings`;
const post = (username: string, body: unknown): Promise<Response> => api(path(username), { method: "POST", body: JSON.stringify(body) });
const list = async (username: string): Promise<PresentedCredentials[]> =>
  ((await (await api(path(username))).json()) as { bindings: PresentedCredentials[] }).bindings;

describe("the bindings of a subscriber", () => {
  it("are none, and no home, where nobody has ever registered", async () => {
    const [alice] = await newcomers("alice");
    const before = await homes();
    expect(await list(alice)).toEqual([]);
    expect((await api(`${path(alice)}/0123456789abcdef`, { method: "DELETE" })).status).toBe(404);
    expect(await homes()).toEqual(before);
  });

  it("are what its phones have registered", async () => {
    const [alice] = await newcomers("alice");
    const phone = await registered({ account: alice, way: "direct" });
    const [binding, ...more] = await list(alice);
    expect(more).toEqual([]);
    expect(binding).toMatchObject({
      ...{ contact: phone.contact.slice(1, -1), instance: phone.instance, reg_id: 1, q: 1, reachable: true, path: [] },
      ...{ id: expect.stringMatching(/^[0-9a-f]{16}$/), expires: expect.any(Number) },
    });
  });

  it("end by DELETE: the phone is no longer called, though its socket stays", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const [caller, callee] = [await registered({ account: alice, way: "direct" }), await registered({ account: bob, way: "direct" })];
    const [binding] = await list(bob);
    expect((await api(`${path(bob)}/${binding?.id}`, { method: "DELETE" })).status).toBe(204);
    expect(await list(bob)).toEqual([]);
    expect((await caller.finalResponse(caller.request("INVITE", callee.aor))).status).toBe(480);
    expect((await callee.register()).status).toBe(200);
    expect(await list(bob)).toHaveLength(1);
  });

  it("end by DELETE once: then 404", async () => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "direct" });
    const [binding] = await list(alice);
    await api(`${path(alice)}/${binding?.id}`, { method: "DELETE" });
    expect((await api(`${path(alice)}/${binding?.id}`, { method: "DELETE" })).status).toBe(404);
  });
});

describe("a registration by an administrator (RFC 3261 §10.2)", () => {
  it("has the address called too", async () => {
    const [alice, bob, carol] = await newcomers("alice", "bob", "carol");
    const [caller, callee, third] = [
      await registered({ account: alice, way: "direct" }),
      await registered({ account: bob, way: "direct" }),
      await registered({ account: carol, way: "direct" }),
    ];
    const answer = await post(bob, { contact: `sip:${carol}@localhost`, expires: 60 });
    expect([answer.status, await answer.json()]).toEqual([
      201,
      expect.objectContaining({ contact: `sip:${carol}@localhost`, expires: 60 }),
    ]);
    caller.request("INVITE", callee.aor);
    const invites = await Promise.all([callee.next("INVITE"), third.next("INVITE")]);
    expect(invites[1]?.requestUri).toContain(carol);
    third.reply(invites[1], 200);
    await caller.next(200);
    callee.reply(invites[0], 180);
    expect((await callee.next("CANCEL")).method).toBe("CANCEL");
  });

  it("is shown to the phones with the other bindings", async () => {
    const [bob] = await newcomers("bob");
    const phone = await registered({ account: bob, way: "direct" });
    await post(bob, { contact: "sip:reception@other.example" });
    const answer = await phone.register({ contacts: [] });
    expect(answer.raw).toContain("Contact: <sip:reception@other.example>;expires=86400");
  });

  it("is for subscribers who have registered before: 409", async () => {
    const [alice] = await newcomers("alice");
    expect((await post(alice, { contact: "sip:bob@localhost" })).status).toBe(409);
  });

  it("may be neither the user's own address, nor one of no user: 400", async () => {
    const [bob] = await newcomers("bob");
    await registered({ account: bob, way: "direct" });
    for (const contact of [`sip:${bob}@localhost`, `sips:${bob}@localhost;transport=tcp`, "sip:ghost@localhost"]) {
      const answer = await post(bob, { contact });
      expect([answer.status, (await answer.json<{ detail: string }>()).detail]).toEqual([400, expect.stringMatching(/^contact: /)]);
    }
  });

  it("has its place among the others, of which there may be ten: 409", async () => {
    const [bob] = await newcomers("bob");
    await registered({ account: bob, way: "direct" });
    for (let count = 1; count < 10; count += 1) expect((await post(bob, { contact: `sip:n${count}@other.example` })).status).toBe(201);
    expect((await post(bob, { contact: "sip:n10@other.example" })).status).toBe(409);
    expect((await post(bob, { contact: "sip:n9@other.example", q: 0.5 })).status).toBe(201);
  });

  it.each([
    ["no URI", { contact: "bob" }],
    ["a URI without a user", { contact: "sip:example.com" }],
    ["too short a time", { contact: "sip:bob@localhost", expires: 59 }],
    ["a q beyond 1", { contact: "sip:bob@localhost", q: 1.5 }],
    ["a member that is not known", { contact: "sip:bob@localhost", priority: 1 }],
  ])("refuses %s: 400", async (_name, body) => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "direct" });
    expect((await post(alice, body)).status).toBe(400);
  });

  it("of nobody: 404", async () => {
    expect((await post("nobody", { contact: "sip:bob@localhost" })).status).toBe(404);
  });
});
