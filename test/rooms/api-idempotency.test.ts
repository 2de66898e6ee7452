import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import worker from "../../workers/index.ts";
import { createExecutionContext, createScheduledController, waitOnExecutionContext } from "cloudflare:test";
import { api } from "./support/homes.ts";
import { newDomain, newKey } from "./support/keys.ts";

const body = (name: string) => JSON.stringify({ name, scope: "read" });
let count = 0;

describe("Idempotency-Key", () => {
  let key = "";
  beforeEach(() => {
    count += 1;
    key = `request-${count}`;
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  const post = (name: string, given = key, bearer = "test-admin-token") =>
    api("/keys", {
      method: "POST",
      body: body(name),
      headers: { Authorization: `Bearer ${bearer}`, "Content-Type": "application/json", "Idempotency-Key": given },
    });
  const keysCalled = async (name: string) => {
    const { keys } = (await (await api("/keys")).json()) as { keys: { name: string }[] };
    return keys.filter((one) => one.name === name).length;
  };

  it("a request that is sent again is performed once, and has the same answer, the secret included", async () => {
    const [first, second] = [await post("twice"), await post("twice")];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(await second.text()).toBe(await first.text());
    expect([first.headers.get("Idempotency-Replayed"), second.headers.get("Idempotency-Replayed")]).toEqual([null, "true"]);
    expect(second.headers.get("Location")).toBe(first.headers.get("Location"));
    expect(await keysCalled("twice")).toBe(1);
  });

  it("ten at once are performed once: the others are told to wait, or have the answer", async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => post("at-once")));
    for (const { status, headers } of answers)
      expect([
        [201, null],
        [409, "5"],
      ]).toContainEqual([status, headers.get("Retry-After")]);
    expect(await keysCalled("at-once")).toBe(1);
  });

  it("another body with it is refused with 422, and another value makes another request", async () => {
    await post("one");
    expect((await post("other")).status).toBe(422);
    expect((await post("one", `${key}-again`)).status).toBe(201);
    expect(await keysCalled("one")).toBe(2);
  });

  it("is each sender's own", async () => {
    const { key: bearer } = await newKey({ scope: "everything" });
    expect((await post("mine")).status).toBe(201);
    const theirs = await post("mine", key, bearer);
    expect([theirs.status, theirs.headers.get("Idempotency-Replayed")]).toEqual([201, null]);
    expect((await post("mine", key, "guess")).status).toBe(401);
  });

  it("a request that was refused may be made anew", async () => {
    const send = (content: string) =>
      api("/keys", {
        method: "POST",
        body: content,
        headers: { Authorization: "Bearer test-admin-token", "Content-Type": "application/json", "Idempotency-Key": key },
      });
    expect((await send("{}")).status).toBe(400);
    expect((await send(body("anew"))).status).toBe(201);
  });

  it("a request that was broken off is performed a minute later", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    expect((await post("first")).status).toBe(201);
    // As if the power had gone before the answer.
    await env.DIRECTORY.prepare("UPDATE kept_answers SET answer = NULL").run();
    expect((await post("first")).status).toBe(409);
    vi.setSystemTime(Date.now() + 61_000);
    expect((await post("first")).status).toBe(201);
    expect((await post("first")).headers.get("Idempotency-Replayed")).toBe("true");
  });

  it("is forgotten after a day", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    await post("old");
    vi.setSystemTime(Date.now() + 86_400_001);
    const context = createExecutionContext();
    await worker.scheduled(createScheduledController(), env);
    await waitOnExecutionContext(context);
    expect((await post("old")).headers.get("Idempotency-Replayed")).toBeNull();
    expect(await keysCalled("old")).toBe(2);
  });

  it("nothing in the directory has the secret of an answer", async () => {
    const { key: secret } = (await (await post("sealed")).json()) as { key: string };
    const { results } = await env.DIRECTORY.prepare("SELECT * FROM kept_answers").all();
    expect(results.length).toBeGreaterThan(0);
    expect(JSON.stringify(results)).not.toContain(secret);
  });

  it.each(["", "a b", "x".repeat(256)])("is refused if it is %j", async (given) => {
    expect((await post("bad", given)).status).toBe(400);
    expect(await keysCalled("bad")).toBe(0);
  });

  it("repeats no answer in another domain", async () => {
    const send = (domain: string) =>
      api(`/domains/${domain}/guest-tokens`, {
        method: "POST",
        body: JSON.stringify({ users: ["alice"] }),
        headers: { Authorization: "Bearer test-admin-token", "Content-Type": "application/json", "Idempotency-Key": key },
      });
    const [one, other] = [await newDomain(), await newDomain()];
    for (const domain of [one, other])
      await api(`/domains/${domain}/subscribers/alice`, { method: "PUT", body: '{"password":"correct horse"}' });
    const [first, second] = [await send(one), await send(other)];
    expect(second.headers.get("Idempotency-Replayed")).toBeNull();
    expect(await second.text()).not.toBe(await first.text());
  });
});
