import { RegistererState } from "sip.js";
import { afterAll, describe, expect, it } from "vitest";
import { jsSipPhone, registeredSipJs } from "../support/stock-phones.ts";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());
const { wsUrl } = serverUnderTest.server;
const names = ["josé", "user name", "9901#1", "مريم", "你好", "ring😀"];
const password = "long enough";
for (const name of names)
  await serverUnderTest.server.api("PUT", `/domains/localhost/subscribers/${encodeURIComponent(name)}`, { password });

describe.each(names)("stock phones of the user %s", (name) => {
  const account = encodeURIComponent(name);

  it.each(ways)("JsSIP registers with its defaults, and is written to, on the %s way", async (way) => {
    // JsSIP hashes what is beyond the basic plane as halves, which is not UTF-8: the escaped spelling helps.
    const more = /[\u{10000}-\u{10ffff}]/u.test(name) ? { authorization_user: account } : {};
    const ua = jsSipPhone({ wsUrl, account, way }, { password, ...more });
    const status = new Promise<string>((resolve) => {
      ua.once("registered", () => resolve("registered"));
      ua.once("registrationFailed", ({ cause }) => resolve(String(cause)));
    });
    const message = new Promise<string | undefined>((resolve) => {
      ua.once("newMessage", ({ request }) => resolve(request.body));
    });
    ua.start();
    expect(await status).toBe("registered");
    const [bob] = await serverUnderTest.phones("general", "bob");
    bob.request("MESSAGE", `sip:${account}@localhost`, { body: "hello" });
    expect(await message).toBe("hello");
    const gone = new Promise((resolve) => ua.once("unregistered", resolve));
    ua.unregister();
    await gone;
    ua.stop();
  });

  it.each([name, account])("SIP.js registers with %s as its authorization user", async (authorizationUsername) => {
    const { agent, registerer } = await registeredSipJs(
      { wsUrl, account, way: "general" },
      {},
      { authorizationUsername, authorizationPassword: password },
    );
    expect(registerer.state).toBe(RegistererState.Registered);
    await registerer.unregister();
    await agent.stop();
  });
});
