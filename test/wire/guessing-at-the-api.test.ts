import { afterAll, expect, it } from "vitest";
import { startServerUnderTest } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());

it("passwords are guessed by the API no faster than by phones: more than twenty wait", async () => {
  const account = await serverUnderTest.newcomer("alice");
  const guess = async (password: string) => {
    const authorization = `Basic ${Buffer.from(`${account}:${password}`).toString("base64")}`;
    const before = performance.now();
    const url = `${serverUnderTest.server.wsUrl.replace(/^ws/, "http")}/api/v1/domains/localhost/subscribers/${account}/lists`;
    const { status } = await fetch(url, { headers: { Authorization: authorization } });
    return { status, took: performance.now() - before };
  };
  for (let count = 0; count < 25; count += 1) expect((await guess(`wrong ${count}`)).status).toBe(401);
  const { status, took } = await guess("offhook");
  expect([status, took > 900]).toEqual([200, true]);
});
