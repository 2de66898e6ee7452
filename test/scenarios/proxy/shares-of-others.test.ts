import { afterEach, expect, it } from "vitest";
import { compose } from "../../support/compose.ts";
import type { RequestEnvelope } from "../../../lib/transport/envelope.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

let count = 0;

/** A request of a user of another domain of the server, as it comes to the home of bob. */
function fromElsewhere(method: string, user: string, lines: readonly string[], more: Partial<RequestEnvelope> = {}): RequestEnvelope {
  count += 1;
  const ids = [`From: <sip:${user}@other.example>;tag=a`, "To: <sip:bob@example.com>", `Call-ID: ${user}-${count}`, `CSeq: 1 ${method}`];
  const via = `Via: SIP/2.0/WSS a.invalid;branch=z9hG4bK${count}`;
  const home = `sip:${user}@other.example#1`;
  return {
    kind: "request",
    text: compose(
      `${method} sip:bob@example.com SIP/2.0`,
      [via, "Max-Forwards: 60", ...ids, ...lines],
      method === "MESSAGE" ? "hello" : "",
    ),
    answerTo: { home, flow: "f", phone: "p" },
    transaction: `transaction${count}`,
    identity: `${user}@other.example`,
    recordRoute: undefined,
    to: { kind: "address", instance: undefined, registration: undefined },
    ...more,
  };
}

const deliver = (envelopes: readonly RequestEnvelope[]) => scenario.world.homeOf("bob").handle((instance) => instance.deliver(envelopes));

it("users of other domains, however many, use half of the places for stored messages", async () => {
  scenario = await startScenario({ settings: { STORED_MESSAGES: "12" } });
  const { world, alice, bob } = scenario;
  bob.leaves(1000);
  await world.pass(120);
  for (let user = 0; user < 12; user += 1) await deliver([fromElsewhere("MESSAGE", `user${user}`, ["Content-Type: text/plain"])]);
  expect(world.homeOf("bob").sql.rows("messages")).toHaveLength(6);
  const sent = alice.asks("MESSAGE", bob.aor, ["Content-Type: text/plain"], "from a colleague");
  await world.settle();
  expect(sent.final).toBe(202);
});

it("and half of the places for watchers", async () => {
  scenario = await startScenario({ settings: { MAXIMUM_WATCHERS: "12" } });
  const { world, alice, bob } = scenario;
  const lines = ["Event: presence", "Expires: 600", "Contact: <sip:x@a.invalid;transport=ws>"];
  const statuses: number[] = [];
  for (let user = 0; user < 12; user += 1) {
    const receipts = await deliver([fromElsewhere("SUBSCRIBE", `user${user}`, lines)]);
    const [receipt] = receipts ?? [];
    statuses.push(receipt?.kind === "answered" ? receipt.status : 0);
  }
  expect(statuses.filter((status) => status === 480)).toHaveLength(6);
  const sent = alice.asks("SUBSCRIBE", bob.aor, ["Event: presence", `Contact: ${alice.contact}`, "Expires: 600"]);
  await world.settle();
  expect(sent.final).toBe(200);
});

it.each([
  [undefined, 1],
  [2, 1],
  [1, 1],
  [0, 0],
])("a call that may become %s more requests to other addresses is forwarded %i times", async (forwards, times) => {
  scenario = await startScenario();
  const { world } = scenario;
  await world.changeRules("bob", { forward: { always: "sip:carol@example.com" } });
  const carol = await scenario.joins("carol");
  await deliver([fromElsewhere("INVITE", "mallory", ["Contact: <sip:m@a.invalid>"], forwards === undefined ? {} : { forwards })]);
  await world.settle();
  expect(carol.all("INVITE")).toHaveLength(times);
  const statuses = world.callRecords().map(({ status }) => status);
  expect(statuses).toEqual(times === 1 ? [] : [440]);
});
