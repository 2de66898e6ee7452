import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { api } from "./support/homes.ts";

await api("/domains/members.example", { method: "PUT" });
const put = (more: object): Promise<Response> =>
  api("/domains/members.example/trunks/t", { method: "PUT", body: JSON.stringify({ server: "sip:pbx.example;transport=tcp", ...more }) });
const line = (name: string, value = "x") => ({ headers: [{ name, value }] });

describe("the members of a trunk that concern its calls", () => {
  it("are stored and shown", async () => {
    const members = {
      failover_on: [500, 503],
      from_user: "+4930555",
      from_domain: "provider.example",
      path: "/sip?tenant=1",
      refer: "handle",
      maximum_calls_per_second: 5,
      allowed_destinations: ["+49"],
      forbidden_destinations: ["+49900", "*31#"],
      headers: [{ name: "X-Account", value: "{user}" }],
    };
    expect(await (await put(members)).json()).toMatchObject(members);
    expect(await (await api("/domains/members.example/trunks/t")).json()).toMatchObject(members);
    expect(Object.keys((await (await put({})).json()) as object)).not.toContain("failover_on");
  });

  it.each([
    ["failover_on.0", { failover_on: [486] }],
    ["failover_on.0", { failover_on: [487] }],
    ["failover_on.0", { failover_on: [600] }],
    ["failover_on.0", { failover_on: [603] }],
    ["failover_on.0", { failover_on: [302] }],
    ["failover_on", { failover_on: Array.from({ length: 21 }, (_, index) => 500 + index) }],
    ["from_user", { from_user: "a@b" }],
    ["from_user", { from_user: "a>;x" }],
    ["from_domain", { from_domain: "provider.example;lr" }],
    ["path", { path: "sip" }],
    ["path", { path: "/sip#x" }],
    ["path", { path: "/a b" }],
    ["path", { path: `/${"a".repeat(200)}` }],
    ["maximum_calls_per_second", { maximum_calls_per_second: 0 }],
    ["allowed_destinations.0", { allowed_destinations: [""] }],
    ["allowed_destinations.0", { allowed_destinations: ["+49-30"] }],
    ["forbidden_destinations.0", { forbidden_destinations: ["alice"] }],
    ["headers.0.name", line("From")],
    ["headers.0.name", line("X-A: b\r\nFrom")],
    ["headers.0.value", line("X-A", "b\r\nFrom: c")],
    ["headers.0.value", line("X-A", "b\nc")],
    ["headers", { headers: Array.from({ length: 11 }, () => ({ name: "X-A", value: "x" })) }],
  ])("%s is refused: %j", async (member, more) => {
    const answer = await put(more);
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining(`${member}:`)]);
  });

  it("are absent in the row of an older version, which is read", async () => {
    const row = {
      domain: "members.example",
      name: "old",
      server: "sip:pbx.example",
      register: false,
      inbound: true,
      prefixes: [],
      trusted: false,
    };
    await env.DIRECTORY.prepare("INSERT INTO trunks (domain, name, settings) VALUES ('members.example', 'old', ?)")
      .bind(JSON.stringify(row))
      .run();
    const shown = (await (await api("/domains/members.example/trunks/old")).json()) as object;
    expect(shown).toMatchObject({ name: "old", maximum_calls: 0 });
    expect(Object.keys(shown).filter((name) => ["failover_on", "from_user", "from_domain", "headers"].includes(name))).toEqual([]);
  });
});
