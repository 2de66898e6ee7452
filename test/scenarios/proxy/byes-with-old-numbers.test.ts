import { afterEach, describe, expect, it } from "vitest";
import { compose, shortSdp } from "../../support/compose.ts";
import { copiedLines } from "../../support/dialog.ts";
import { header, headers } from "../../support/received-message.ts";
import type { SimulatedPhone } from "../../support/simulated-phone.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

const oneEach = { rules: { alice: { maximumCalls: 1 }, bob: { maximumCalls: 1 } } } as const;
const numberOf = (message: Parameters<typeof header>[0]) => Number.parseInt(header(message, "cseq") ?? "", 10);

/** RFC 3261 §12.2.2: a phone refuses a BYE whose number is too low. */
function refusesOldByes(phone: SimulatedPhone): void {
  const replies = phone.replies.bind(phone);
  phone.replies = (request, status, ...more) => replies(request, request.method === "BYE" && numberOf(request) < 2 ? 500 : status, ...more);
}

interface Written {
  /** The Contact of the phone that answers, by its registration. */
  readonly contact?: (registered: string, answer: string) => string;
  readonly to?: string;
  readonly lines?: readonly string[];
}

/** Alice's BYE has an old number. Returns the BYEs that bob's phone has had, and whether alice may call again. */
async function hangsUp({ contact = (registered) => registered, to = "", lines = [] }: Written) {
  scenario = await startScenario(oneEach);
  const { world, alice, bob } = scenario;
  const carol = await scenario.joins("carol");
  alice.invites(`${bob.aor}${to}`);
  await world.settle();
  const own = contact(bob.contact, header(bob.last(200, "REGISTER"), "contact") ?? "");
  const answer = [...copiedLines(bob.last("INVITE"), "bob"), `Contact: ${own}`, "Content-Type: application/sdp"];
  bob.sendsText(compose("SIP/2.0 200 OK", answer, shortSdp));
  await world.settle();
  refusesOldByes(bob);
  const { dialog } = alice.call;
  if (dialog === undefined) throw new Error("there is no call");
  alice.within("BYE", dialog, lines, 0);
  await world.settle();
  await world.pass(5);
  const next = alice.invites(carol.aor);
  await world.settle();
  return { numbers: bob.all("BYE").map(numberOf), next: next.state };
}

describe("a BYE with an old number, which the other phone refuses, frees a line only if that phone gets another one", () => {
  const isOver = { numbers: [0, 2_147_483_000], next: "hears ringing" };
  const goesOn = { numbers: [0], next: "ended 403" };
  const gruu = (name: string) => (_own: string, answer: string) => `<${new RegExp(`${name}="([^"]+)"`).exec(answer)?.[1]}>`;

  it.each<[string, Written, object]>([
    ["plain", {}, isOver],
    ["with eleven hops", { lines: ["Max-Forwards: 11"] }, isOver],
    ["with ten hops", { lines: ["Max-Forwards: 10"] }, goesOn],
    ["with nine hops", { lines: ["Max-Forwards: 9"] }, goesOn],
    ["in a call to a long URI", { to: `;x=${"a".repeat(200)}` }, isOver],
    ["to a public GRUU", { contact: gruu("pub-gruu") }, isOver],
    ["to a temporary GRUU", { contact: gruu("temp-gruu") }, isOver],
    ["to a Contact that is not registered", { contact: () => "<sip:bob@other.invalid>" }, isOver],
  ])("%s", async (_how, written, expected) => {
    expect(await hangsUp(written)).toEqual(expected);
  });
});

it("a BYE by the Route of a phone that only rang ends neither the record nor the counts, though that phone answers 481", async () => {
  scenario = await startScenario(oneEach);
  const { world, alice, bob } = scenario;
  const [second, carol, dave] = [await scenario.joins("bob"), await scenario.joins("carol"), await scenario.joins("dave")];
  alice.invites(bob.aor);
  await world.settle();
  second.replies(second.last("INVITE"), 180);
  await world.settle();
  const routes = headers(alice.last(180), "record-route");
  bob.answers();
  await world.settle();
  const replies = second.replies.bind(second);
  second.replies = (request, status, ...more) => replies(request, request.method === "BYE" ? 481 : status, ...more);
  const { dialog } = alice.call;
  if (dialog !== undefined) alice.within("BYE", { ...dialog, routes, target: second.contact.slice(1, -1) }, [], 9);
  await world.settle();
  await world.pass(60);
  const next = alice.invites(carol.aor);
  dave.invites(bob.aor);
  await world.settle();
  expect([bob.all("BYE").length, second.all("BYE").length, next.state, dave.state]).toEqual([0, 0, "ended 403", "ended 486"]);
  expect(world.callRecords().filter(({ outcome }) => outcome === "answered")).toEqual([]);
});
