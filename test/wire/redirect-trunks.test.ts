import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Phone } from "../support/phone.ts";
import { headers } from "../support/received-message.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";

let serverUnderTest: ServerUnderTest;

beforeAll(async () => {
  const mallory = { domain: "tenant.example", username: "mallory", password: "offhook" };
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" }, subscribers: [mallory] });
  const put = (path: string, body: object) => serverUnderTest.server.api("PUT", `/domains/localhost${path}`, body);
  await put("/trunks/provider", { server: "sip:127.0.0.1:5999;transport=tcp" });
  await put("/routes/germany", { match: { user: { prefix: "+49" } }, action: { kind: "trunk", trunk: "provider" } });
});
afterAll(() => serverUnderTest.close());

/** What a user is told by the redirect server about a number of the domain localhost. */
async function told(account: string, domain: string) {
  const path = `/redirect/${account}@${domain}`;
  const phone = await Phone.connect(serverUnderTest.server, { account, domain, way: "direct", path });
  const answer = await phone.transact("INVITE", "sip:+49-30-123@localhost");
  return [answer.status, headers(answer, "contact").length];
}

describe("the servers of a domain's trunks", () => {
  it("are told to its own users only", async () => {
    expect(await told(await serverUnderTest.newcomer("alice"), "localhost")).toEqual([302, 1]);
    expect(await told("mallory", "tenant.example")).toEqual([404, 0]);
  });
});
