import { afterAll, expect, it } from "vitest";
import { shortSdp } from "../support/compose.ts";
import { dialogOfCaller } from "../support/dialog.ts";
import { startSipServer } from "../support/sip-server.ts";
import { startServerUnderTest } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8", TRANSACTION_TIMEOUT: "5" } });
afterAll(() => serverUnderTest.close());

it("one ACK by the route of a call that never was answered takes no line of the trunk", async () => {
  const provider = await startSipServer();
  const body = { server: `sip:127.0.0.1:${provider.port};transport=tcp`, prefixes: ["+1"], maximum_calls: 1 };
  await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/provider", body);
  const [mallory, alice] = await serverUnderTest.phones("direct", "mallory", "alice");
  const sent = mallory.request("INVITE", "sip:+1555@localhost", { body: shortSdp });
  const invite = await provider.next("INVITE");
  const contact = `Contact: <sip:far@127.0.0.1:${provider.port};transport=tcp>`;
  provider.reply(invite, 183, [contact]);
  const dialog = dialogOfCaller(await mallory.next(183));
  mallory.cancel(sent);
  provider.reply(await provider.next("CANCEL"), 200);
  provider.reply(invite, 487);
  await mallory.finalResponse(sent);
  mallory.inDialog("ACK", dialog);
  await provider.next((message) => message.method === "ACK" && message.raw.includes("SIP/2.0/TCP"));
  await mallory.finalResponse(mallory.request("OPTIONS", mallory.aor));
  const call = alice.request("INVITE", "sip:+1556@localhost", { body: shortSdp });
  const result = await Promise.race([
    provider.next((message) => message.method === "INVITE" && message.raw.includes("+1556")).then(() => "rings"),
    alice.finalResponse(call).then(({ status, reason }) => `${status} ${reason}`),
  ]);
  provider.close();
  expect(result).toBe("rings");
});

it("another call with the Call-ID of one that is there is refused, and takes no line: 482", async () => {
  const provider = await startSipServer();
  const body = { server: `sip:127.0.0.1:${provider.port};transport=tcp`, prefixes: ["+1"], maximum_calls: 1 };
  await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/second", { ...body, prefixes: ["+2"] });
  const [mallory] = await serverUnderTest.phones("direct", "mallory");
  const first = mallory.request("INVITE", "sip:+2555@localhost", { body: shortSdp });
  const invite = await provider.next("INVITE");
  const { callId } = first;
  const statuses = [];
  for (const other of [{ from: `<${mallory.aor}>;tag=other` }, { cseq: 2 }, {}]) {
    const again = mallory.request("INVITE", "sip:+2556@localhost", { body: shortSdp, callId, ...other });
    statuses.push((await mallory.finalResponse(again)).status);
  }
  provider.reply(invite, 486);
  expect([...statuses, (await mallory.finalResponse(first)).status]).toEqual([482, 482, 482, 486]);
  expect(provider.rest().filter(({ method }) => method === "INVITE")).toEqual([]);
  provider.close();
});
