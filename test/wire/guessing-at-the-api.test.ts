import { afterAll, expect, it } from "vitest";
import { startServerUnderTest } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());

it.each([
  ["lists", (account: string) => `domains/localhost/subscribers/${account}/lists`],
  ["ICE servers", () => "ice-servers?domain=localhost"],
])("passwords are guessed by the API no faster than by phones: more than twenty wait (%s)", async (_what, pathOf) => {
  const account = await serverUnderTest.newcomer("alice");
  const guess = async (password: string) => {
    const authorization = `Basic ${Buffer.from(`${account}:${password}`).toString("base64")}`;
    const before = performance.now();
    const url = `${serverUnderTest.server.wsUrl.replace(/^ws/, "http")}/api/v1/${pathOf(account)}`;
    const { status } = await fetch(url, { headers: { Authorization: authorization } });
    return { status, took: performance.now() - before };
  };
  for (let count = 0; count < 25; count += 1) expect((await guess(`wrong ${count}`)).status).toBe(401);
  const { status, took } = await guess("offhook");
  expect([status, took > 900]).toEqual([200, true]);
});

it.each(["a%0d%0aSet-Cookie:b", "a%22b", "%00", "a%20b"])(
  "names that are no domains draw 400, and are in no header: %s",
  async (domain) => {
    const url = `${serverUnderTest.server.wsUrl.replace(/^ws/, "http")}/api/v1/domains/${domain}/subscribers/alice/lists`;
    const response = await fetch(url, { headers: { Authorization: `Basic ${btoa("alice:wrong")}` } });
    expect([response.status, response.headers.get("WWW-Authenticate")]).toEqual([400, null]);
  },
);
