import { expect, it } from "vitest";
import { Phone } from "../support/phone.ts";
import { Secrets } from "../support/secrets.ts";
import { startServerUnderTest } from "../support/server-under-test.ts";

it("nothing that a server puts out shows a secret, whatever the row of a subscriber has", async () => {
  const serverUnderTest = await startServerUnderTest({ settings: { LOGGING: "true" } });
  const subscriber = { displayName: "Zoë Šimková", aliases: ["šimková", "李"], password: "a password of 30 characters" };
  const { password } = subscriber;
  expect((await serverUnderTest.server.api("PUT", "/domains/localhost/subscribers/zoe", subscriber)).status).toBe(201);
  for (const way of ["general", "direct"] as const) {
    const phone = await Phone.connect(serverUnderTest.server, { account: "zoe", way, password });
    expect((await phone.register()).status).toBe(200);
    phone.socket.cut();
  }
  const trunk = { host: "127.0.0.1", port: 9, transport: "tcp", username: "49305", password: "the password of the trunk" };
  await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/carrier", trunk);
  expect(serverUnderTest.server.logs.length).toBeGreaterThan(0);
  // It looks through all that was put out, as it does at the end of every test on the wire.
  await serverUnderTest.close();
});

it("what looks for secrets finds them", () => {
  const secrets = new Secrets();
  secrets.learn("short", "a-long-secret");
  secrets.learnFrom({ username: "somebody-known", ha1: { md5: "0123456789abcdef" }, list: [{ apiToken: "token-of-the-list" }] });
  const lines = ["it is a-long-secret", "short", "somebody-known", "0123456789abcdef", "token-of-the-list"];
  expect(secrets.shownIn(lines)).toEqual([lines[0], lines[3], lines[4]]);
  expect(secrets.shownIn(['Authorization: Digest username="a", response="1"'])).toHaveLength(1);
});
