import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compose, newBranch, shortSdp } from "../support/compose.ts";
import { type ReceivedMessage, header } from "../support/received-message.ts";
import { Phone } from "../support/phone.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";
import { openSocket } from "../support/sip-socket.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";

/** Nobody gets by us from elsewhere to elsewhere, or to a trunk that others pay for. */
let serverUnderTest: ServerUnderTest;
/** A server that is reached by a trunk of ours, and one of a domain that nobody of ours may call. */
let provider: SipServer;
let foreign: SipServer;
let alice: Phone;
const token = "a-token-that-nobody-guesses";

beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } });
  [provider, foreign] = [await startSipServer(), await startSipServer()];
  const trunk = { server: `sip:127.0.0.1:${provider.port};transport=tcp`, inbound: true, prefixes: ["+", "0"] };
  await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/provider", trunk);
  await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { guests: true });
  await serverUnderTest.server.api("PUT", "/domains/localhost/peers/partner", { domains: ["partner.example"], token });
  await serverUnderTest.server.api("PUT", "/domains/localhost/routes/out", {
    match: { user: { prefix: "out-" } },
    action: { kind: "retarget", uri: `sip:\\1@127.0.0.1:${foreign.port};transport=tcp` },
  });
  [alice] = await serverUnderTest.phones("direct", "alice");
});
afterAll(async () => {
  await serverUnderTest.close();
  provider.close();
  foreign.close();
});

const caller = async (account: string, domain: string, headers: Record<string, string> = {}): Promise<Phone> =>
  new Phone(await openSocket(`${serverUnderTest.server.wsUrl}/ws`, account, { headers }), { account, domain, way: "general" });

interface BackEndSubscription {
  readonly uri: string;
  readonly routes: readonly string[];
}

/** Sends an INVITE as somebody; resolves with its final response. */
type Requester = (asking: BackEndSubscription) => Promise<ReceivedMessage>;

const askers: Readonly<Record<string, () => Promise<Requester>>> = {
  "a guest": async () => {
    const guest = await caller("visitor", "anonymous.invalid");
    return ({ uri, routes }) => guest.finalResponse(guest.request("INVITE", uri, { routes, body: shortSdp }));
  },
  "a guest who has been let in": async () => {
    const guest = await caller("visitor", "anonymous.invalid");
    const opening = guest.request("MESSAGE", alice.aor, { body: "hello" });
    alice.reply(await alice.next("MESSAGE"), 200);
    await guest.finalResponse(opening);
    return ({ uri, routes }) => guest.finalResponse(guest.request("INVITE", uri, { routes, body: shortSdp }));
  },
  "a peer": async () => {
    const peer = await caller("carol", "partner.example", { Authorization: `Bearer ${token}` });
    return ({ uri, routes }) => peer.finalResponse(peer.request("INVITE", uri, { routes, body: shortSdp }));
  },
  "a trunk's server": async () => {
    const opening = alice.request("MESSAGE", "sip:+1555@localhost", { body: "hello" });
    provider.reply(await provider.next("MESSAGE"), 200);
    await alice.finalResponse(opening);
    return ({ uri, routes }) => {
      const callId = newBranch();
      const lines = [
        `Via: SIP/2.0/TCP 127.0.0.1:${provider.port};branch=${newBranch()}`,
        "Max-Forwards: 70",
        ...routes.map((route) => `Route: ${route}`),
        "From: <sip:+49301234@provider.example>;tag=far",
        `To: <${uri}>`,
        `Call-ID: ${callId}`,
        "CSeq: 1 INVITE",
        `Contact: <sip:far@127.0.0.1:${provider.port};transport=tcp>`,
      ];
      provider.send(compose(`INVITE ${uri} SIP/2.0`, lines, shortSdp));
      return provider.next((one) => one.status >= 200 && header(one, "call-id") === callId);
    };
  },
};

const aims: Readonly<Record<string, () => BackEndSubscription>> = {
  "another domain": () => ({ uri: `sip:bob@127.0.0.1:${foreign.port};transport=tcp`, routes: [] }),
  "another domain by name": () => ({ uri: "sip:bob@elsewhere.example", routes: [] }),
  "a number that goes by a trunk": () => ({ uri: "sip:+1555@localhost", routes: [] }),
  "such a number as a tel URI": () => ({ uri: "tel:+1555", routes: [] }),
  "one of ours by another server, preloaded in Route": () => ({
    uri: alice.aor,
    routes: [`<sip:127.0.0.1:${foreign.port};transport=tcp;lr>`],
  }),
  "another server behind us, in a second Route": () => ({
    uri: alice.aor,
    routes: [`<sip:localhost;lr>`, `<sip:127.0.0.1:${foreign.port};transport=tcp;lr>`],
  }),
  "another domain with us in Route": () => ({ uri: `sip:bob@127.0.0.1:${foreign.port};transport=tcp`, routes: ["<sip:localhost;lr>"] }),
  "another domain with a forged token of ours in Route": () => ({
    uri: `sip:bob@127.0.0.1:${foreign.port};transport=tcp`,
    routes: [`<sip:route.${"A".repeat(180)}@localhost;transport=ws;lr>`],
  }),
  "what a route of the domain sends elsewhere": () => ({ uri: "sip:out-bob@localhost", routes: [] }),
};

describe.each(Object.keys(askers))("%s", (who) => {
  let ask: Requester;
  beforeEach(async () => void (ask = await (askers[who] as () => Promise<Requester>)()));

  it.each(Object.keys(aims))("does not get to %s", async (what) => {
    const asking = (aims[what] as () => BackEndSubscription)();
    // A trunk's server is known by its connection: what it writes into Route leads nowhere but to us.
    if (who === "a trunk's server" && asking.uri === alice.aor && asking.routes.length === 1) return;
    expect([403, 404, 407, 480]).toContain((await ask(asking)).status);
    const isCall = ({ method }: ReceivedMessage): boolean => method === "INVITE";
    expect([...provider.rest(), ...foreign.rest(), ...alice.socket.rest()].filter(isCall)).toEqual([]);
    expect(foreign.connections()).toBe(0);
  });
});

describe("a user of a domain whose users may not call out", () => {
  it.each(Object.keys(aims).filter((what) => what.includes("another")))("does not get to %s", async (what) => {
    const { uri, routes } = (aims[what] as () => BackEndSubscription)();
    const [bob] = await serverUnderTest.phones("direct", "bob");
    expect((await bob.finalResponse(bob.request("INVITE", uri, { routes, body: shortSdp }))).status).toBe(403);
    expect(foreign.connections()).toBe(0);
  });

  it("and who has his calls sent on to one neither gets there, nor anybody by him", async () => {
    const [bob] = await serverUnderTest.phones("direct", "bob");
    const rules = { forward: { always: `sip:bob@127.0.0.1:${foreign.port};transport=tcp` } };
    const { status } = await serverUnderTest.server.api("PUT", `/domains/localhost/subscribers/${bob.account}/rules`, rules);
    expect(status).toBe(200);
    expect((await alice.finalResponse(alice.request("INVITE", bob.aor, { body: shortSdp }))).status).toBe(403);
    expect(foreign.connections()).toBe(0);
  });
});
