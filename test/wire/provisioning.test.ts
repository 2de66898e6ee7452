import { afterAll, describe, expect, it } from "vitest";
import { startServer } from "../support/server.ts";
import { hashesOf } from "../support/provision.ts";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());
const { server } = serverUnderTest;
const pathOf = (account: string): string => `/domains/localhost/subscribers/${account}`;

describe("the contract", () => {
  it("a domain and a subscriber are made, read, changed and deleted", async () => {
    expect((await server.api("PUT", "/domains/made.example", {})).status).toBe(201);
    expect((await server.api("PUT", "/domains/made.example", {})).status).toBe(200);
    const path = "/domains/made.example/subscribers/erin";
    expect((await server.api("PUT", path, { password: "secret word", aliases: ["+4930777", "info"] })).status).toBe(201);
    expect((await server.api("PUT", path, { password: "another word" })).status).toBe(200);
    expect(await (await server.api("GET", path)).json()).toMatchObject({ username: "erin" });
    expect((await server.api("DELETE", path)).status).toBe(204);
    expect((await server.api("GET", path)).status).toBe(404);
    expect((await server.api("DELETE", "/domains/made.example")).status).toBe(204);
    expect((await server.api("GET", "/domains/made.example")).status).toBe(404);
  });

  it("no answer shows a secret", async () => {
    const alice = await serverUnderTest.newcomer("alice");
    for (const path of [pathOf(alice), "/domains/localhost/subscribers?limit=100"]) {
      expect(await (await server.api("GET", path)).text()).not.toMatch(/offhook|md5|sha256|password|[0-9a-f]{32}/i);
    }
  });

  it("the list comes in pages", async () => {
    for (const name of ["page", "page", "page"]) await serverUnderTest.newcomer(name);
    const names: string[] = [];
    let cursor = "";
    do {
      const answer = await server.api("GET", `/domains/localhost/subscribers?limit=2${cursor}`);
      const page = (await answer.json()) as { subscribers: { username: string }[]; next_cursor: string | null };
      expect(page.subscribers.length).toBeLessThanOrEqual(2);
      names.push(...page.subscribers.map(({ username }) => username));
      cursor = page.next_cursor === null ? "" : `&cursor=${encodeURIComponent(page.next_cursor)}`;
    } while (cursor !== "");
    expect(names).toEqual(expect.arrayContaining(["alice", "bob", "carol"]));
    expect(new Set(names).size).toBe(names.length);
  });

  it.each([
    ["no token", {}, 401],
    ["another token", { Authorization: "Bearer wrong" }, 401],
  ])("%s is refused as RFC 9457 says", async (_name, headers, status) => {
    const answer = await fetch(`${server.url}/api/v1/domains`, { headers });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("Content-Type")).toContain("application/problem+json");
  });

  it("without ADMIN_TOKEN the API is closed, not open", async () => {
    const closed = await startServer({ settings: { ADMIN_TOKEN: "" } });
    const answer = await fetch(`${closed.url}/api/v1/domains`, { headers: { Authorization: "Bearer " } });
    await closed.stop();
    expect(answer.status).toBe(503);
  });

  it("is described at /api/v1/openapi.json", async () => {
    const answer = await fetch(`${server.url}/api/v1/openapi.json`);
    const description = (await answer.json()) as { openapi: string; paths: Record<string, unknown> };
    expect(description.openapi).toMatch(/^3\./);
    expect(Object.keys(description.paths).join()).toContain("/domains/{domain}/subscribers/{username}");
  });
});

describe.each(ways)("a change takes effect in an open home at once, on the %s way", (way) => {
  it("a new password ends what the old one opened, and the phone comes back with the new one only", async () => {
    const alice = await serverUnderTest.register(await serverUnderTest.newcomer("alice"), way);
    await server.api("PUT", pathOf(alice.account), { password: "renewed-one" });
    await alice.socket.closed;
    const old = await serverUnderTest.connect(alice.account, way);
    expect((await old.register()).status).toBe(401);
    const renewed = await serverUnderTest.connect(alice.account, way, { password: "renewed-one" });
    expect((await renewed.register()).status).toBe(200);
  });

  it("a new alias is called through, and leaves the phone's flow alone", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    await server.api("PUT", pathOf(alice.account), { aliases: [`fresh-${way}`] });
    bob.request("MESSAGE", `sip:fresh-${way}@localhost`, { body: "by the new name" });
    expect((await alice.next("MESSAGE")).body).toBe("by the new name");
  });

  it("a deleted subscriber's sockets are closed and his bindings end", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    expect((await server.api("DELETE", pathOf(alice.account))).status).toBe(204);
    const { code, reason } = await alice.socket.closed;
    expect(code).toBeGreaterThanOrEqual(4000);
    expect(reason).not.toBe("");
    expect((await bob.finalResponse(bob.request("MESSAGE", alice.aor))).status).toBe(404);
  });

  it("one who is made again gets a home of his own, without the old one's bindings", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    await server.api("DELETE", pathOf(alice.account));
    await server.api("PUT", pathOf(alice.account), { ha1: hashesOf(alice.account, "localhost", "offhook") });
    expect((await bob.finalResponse(bob.request("MESSAGE", alice.aor))).status).toBe(480);
    const again = await serverUnderTest.register(alice.account, "general");
    bob.request("MESSAGE", again.aor, { body: "born again" });
    expect((await again.next("MESSAGE")).body).toBe("born again");
    expect(await server.listHomes()).toContain(`sip:${alice.account}@localhost#2`);
  });
});

describe("the trace of a home", () => {
  const traceOf = (account: string, accept: string): Promise<Response> =>
    fetch(`${server.url}/api/v1${pathOf(account)}/trace`, { headers: { Authorization: `Bearer ${server.adminToken}`, Accept: accept } });

  it("shows the last messages as text and as JSON, credentials masked", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    alice.request("MESSAGE", bob.aor, { body: "trace me" });
    await bob.next("MESSAGE");
    const text = await (await traceOf(alice.account, "text/plain")).text();
    expect(text).toContain(`MESSAGE ${bob.aor} SIP/2.0`);
    expect(text).toContain("REGISTER sip:localhost SIP/2.0");
    expect(text).not.toMatch(/response="[0-9a-f]{32}"/);
    const { entries } = (await (await traceOf(alice.account, "application/json")).json()) as {
      entries: { direction: string; text: string }[];
    };
    expect(entries.some(({ direction, text: message }) => direction === "in" && message.startsWith("MESSAGE"))).toBe(true);
  });

  it("of a home that is not open is empty, and opens none", async () => {
    const alice = await serverUnderTest.newcomer("alice");
    expect(await (await traceOf(alice, "application/json")).json()).toEqual({ entries: [], failed: [] });
    expect(await server.listHomes()).not.toContain(`sip:${alice}@localhost#1`);
  });
});
