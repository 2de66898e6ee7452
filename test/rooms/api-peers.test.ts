import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { findPeer } from "../../platform/directory/peers.ts";
import { connectKnownPeer } from "../../workers/peer-sign-in.ts";
import { api, newcomers } from "./support/homes.ts";

let count = 0;
const fresh = () => `/domains/localhost/peers/p${(count += 1)}`;
const put = (at: string, body: unknown) => api(at, { method: "PUT", body: JSON.stringify(body) });
const token = () => `a-long-token-of-number-${count}`;
const certificate = "AB:".repeat(31) + "AB";

describe("the servers of other domains", () => {
  it("are put, listed without their tokens, and deleted", async () => {
    await newcomers("alice");
    const at = fresh();
    const name = at.slice(at.lastIndexOf("/") + 1);
    const shown = { name, domains: ["partner.example"], trusted: false, has_token: true };
    expect(await (await put(at, { domains: ["Partner.EXAMPLE"], token: token() })).json()).toEqual(shown);
    expect(await (await api("/domains/localhost/peers")).json()).toMatchObject({ peers: expect.arrayContaining([shown]) });
    expect((await api(at, { method: "DELETE" })).status).toBe(204);
    expect((await api(at, { method: "DELETE" })).status).toBe(404);
  });

  it("keep their token if it is left out, and may have a certificate", async () => {
    await newcomers("alice");
    const at = fresh();
    await put(at, { domains: ["one.example"], token: token() });
    const answer = await put(at, { domains: ["one.example"], certificate, trusted: true });
    expect(await answer.json()).toMatchObject({ has_token: true, certificate: "ab".repeat(32), trusted: true });
    await api(at, { method: "DELETE" });
  });

  it.each([
    ["deleted", (at: string) => api(at, { method: "DELETE" })],
    ["moved to other domains", (at: string) => put(at, { domains: ["two.example"], token: token() })],
  ])("are disconnected if they are %s while their connection is on its way", async (_what, change) => {
    await newcomers("alice");
    const at = fresh();
    await put(at, { domains: ["one.example"], token: token() });
    const shown = { token: token() };
    const arrival = { way: "dedicated", host: "localhost", address: "192.0.2.1" } as const;
    const peer = await findPeer(env, shown);
    if (peer === undefined) throw new Error("there is no such peer");
    const connected = await connectKnownPeer(env, shown, peer, arrival);
    connected.webSocket?.accept();
    expect(connected.status).toBe(101);
    expect((await change(at)).ok).toBe(true);
    expect((await connectKnownPeer(env, shown, peer, arrival)).status).toBe(401);
    await api(at, { method: "DELETE" });
  });

  it("may not have the token of another: 409", async () => {
    await newcomers("alice");
    const shared = { domains: ["one.example"], token: "the-same-token-for-two-of-them" };
    const [one, two] = [fresh(), fresh()];
    expect((await put(one, shared)).status).toBe(200);
    expect((await put(two, shared)).status).toBe(409);
    await api(one, { method: "DELETE" });
  });

  it("may not speak for a domain that is served here: 409", async () => {
    await newcomers("alice");
    expect((await put(fresh(), { domains: ["localhost"], token: token() })).status).toBe(409);
  });

  it.each([
    ["without token or certificate", { domains: ["one.example"] }],
    ["without a domain", { domains: [], token: "a-long-token-for-nobody" }],
    ["with a token that is too short", { domains: ["one.example"], token: "short" }],
    ["with a fingerprint that is none", { domains: ["one.example"], certificate: "abc" }],
    ["with a member that is not known", { domains: ["one.example"], token: "a-long-token-for-nobody", secret: "x" }],
  ])("are refused %s: 400", async (_rule, body) => {
    await newcomers("alice");
    expect((await put(fresh(), body)).status).toBe(400);
  });
});
