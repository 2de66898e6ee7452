import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { establish } from "../support/call.ts";
import { compose, newBranch, shortSdp } from "../support/compose.ts";
import { copiedLines, dialogOfCaller } from "../support/dialog.ts";
import { hasty } from "../support/hasty.ts";
import { addresses, header } from "../support/received-message.ts";
import { Phone } from "../support/phone.ts";
import { openSocket } from "../support/sip-socket.ts";
import { startSipServer } from "../support/sip-server.ts";
import { startServerUnderTest, type ServerUnderTest } from "../support/server-under-test.ts";

/** The server ends calls whose one end is gone. */
let serverUnderTest: ServerUnderTest;
const token = "a-token-that-nobody-guesses";

beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8", DEAD_CALL_TIME: hasty } });
  await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { guests: true, calls_out: true });
  await serverUnderTest.server.api("PUT", "/domains/localhost/peers/partner", { domains: ["partner.example"], token });
});
afterAll(() => serverUnderTest.close());

async function caller(account: string, domain: string, bearer?: string): Promise<Phone> {
  const authorization = bearer === undefined ? {} : { headers: { Authorization: `Bearer ${bearer}` } };
  return new Phone(await openSocket(`${serverUnderTest.server.wsUrl}/ws`, account, authorization), { account, domain, way: "general" });
}

describe("a call", () => {
  it.each(["page closed", "connection lost"] as const)("of a guest ends at the agent's phone: %s", async (how) => {
    const [agent] = await serverUnderTest.phones("direct", "agent");
    const guest = await caller("visitor", "anonymous.invalid");
    const { callerSide } = await establish(guest, agent);
    if (how === "page closed") guest.socket.close();
    else guest.socket.cut();
    const bye = await agent.next("BYE");
    expect([header(bye, "call-id"), header(bye, "from"), header(bye, "to")]).toEqual([
      callerSide.callId,
      callerSide.local,
      callerSide.remote,
    ]);
    agent.reply(bye, 200);
  });

  it("of another server that has connected again goes on", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const before = await caller("carol", "partner.example", token);
    const { callerSide } = await establish(before, alice);
    before.socket.cut();
    const partner = await caller("carol", "partner.example", token);
    await alice.hearsNothingWithin(Number(hasty) * 1500, "BYE");
    partner.bye(callerSide);
    alice.reply(await alice.next("BYE"), 200);
    expect((await partner.next(200, { method: "BYE" })).status).toBe(200);
  });

  it("with another SIP server behind proxies ends there, through the same proxies (RFC 3261 §12.2.1.1)", async () => {
    const provider = await startSipServer();
    const server = `sip:127.0.0.1:${provider.port};transport=tcp`;
    const trunk = { server, prefixes: ["+48"], inbound: true };
    expect((await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/proxied", trunk)).status).toBe(200);
    const proxies = ["<sip:far.example;lr>", "<sip:near.example;lr;x=1>"];
    const contact = `<sip:far@127.0.0.1:${provider.port};transport=tcp>`;
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const sent = alice.request("INVITE", "sip:+4889123@localhost", { body: shortSdp });
    const invite = await provider.next("INVITE");
    const lines = [...copiedLines(invite, "theirs"), `Contact: ${contact}`, "Content-Type: application/sdp"];
    const own = lines.findIndex((line) => line.startsWith("Record-Route"));
    provider.send(compose("SIP/2.0 200 OK", lines.toSpliced(own, 0, `Record-Route: ${proxies.join(", ")}`), shortSdp));
    const dialog = dialogOfCaller(await alice.finalResponse(sent));
    alice.ack(dialog);
    const ack = await provider.next("ACK");
    // And a call that comes from there.
    const user = alice.aor.slice(4).split("@")[0];
    const ids = ["From: <sip:+481@far.example>;tag=far", `To: <sip:${user}@localhost>`, "Call-ID: inbound", "CSeq: 1 INVITE"];
    const via = `Via: SIP/2.0/TCP 127.0.0.1:${provider.port};branch=${newBranch()}`;
    const route = `Record-Route: ${proxies.toReversed().join(", ")}`;
    provider.send(
      compose(
        `INVITE sip:${user}@localhost SIP/2.0`,
        [via, "Max-Forwards: 70", ...ids, route, `Contact: ${contact}`, "Content-Type: application/sdp"],
        shortSdp,
      ),
    );
    const invited = await alice.next("INVITE");
    alice.reply(invited, 200);
    const answer = await provider.next(200, { method: "INVITE" });
    alice.socket.cut();
    const routes = async (callId: string) => {
      const bye = await provider.next((message) => message.method === "BYE" && header(message, "call-id") === callId);
      provider.reply(bye, 200);
      return addresses(bye, "route").filter((one) => !one.includes("route."));
    };
    expect(addresses(ack, "route")).toEqual(proxies.toReversed());
    expect(await routes(dialog.callId)).toEqual(proxies.toReversed());
    expect(addresses(answer, "record-route").slice(-2)).toEqual(proxies.toReversed());
    expect(await routes("inbound")).toEqual(proxies.toReversed());
    provider.close();
  });

  it("with another SIP server ends there, by the route that its phone had", async () => {
    const provider = await startSipServer();
    const server = `sip:127.0.0.1:${provider.port};transport=tcp`;
    expect((await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/provider", { server, prefixes: ["+49"] })).status).toBe(200);
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const sent = alice.request("INVITE", "sip:+4989123@localhost", { body: shortSdp });
    const contact = `<sip:far@127.0.0.1:${provider.port};transport=tcp>`;
    provider.reply(await provider.next("INVITE"), 200, [`Contact: ${contact}`, "Content-Type: application/sdp"], shortSdp);
    const dialog = dialogOfCaller(await alice.finalResponse(sent));
    alice.ack(dialog);
    await provider.next("ACK");
    alice.socket.cut();
    const bye = await provider.next("BYE");
    expect([bye.requestUri, header(bye, "call-id"), header(bye, "from")]).toEqual([contact.slice(1, -1), dialog.callId, dialog.local]);
    provider.reply(bye, 200);
    provider.close();
  });
});
