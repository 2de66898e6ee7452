import { afterEach, expect } from "vitest";
import { compose, newBranch } from "../../support/compose.ts";
import { answerChallenge } from "../../support/digest.ts";
import { headers, readReceivedMessage } from "../../support/received-message.ts";
import { setting } from "../../support/setting.ts";
import type { Connection } from "../world/connection.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

async function staged(settings: Readonly<Record<string, number>>): Promise<Scenario> {
  const texts = Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, String(value)]));
  scenario = await startScenario({ settings: texts });
  return scenario;
}

/** A REGISTER of bob's on a connection, with these lines more. */
function registers(connection: Connection, cseq: number, lines: readonly string[] = []): void {
  const { aor } = scenario.bob;
  connection.send(
    compose("REGISTER sip:example.com SIP/2.0", [
      ...[`Via: SIP/2.0/WSS x.invalid;branch=${newBranch()}`, "Max-Forwards: 70", `From: <${aor}>;tag=1`, `To: <${aor}>`],
      ...["Call-ID: another-phone", `CSeq: ${cseq} REGISTER`, "Contact: <sip:bob@x.invalid>", ...lines],
    ]),
  );
}

setting("FIRST_MESSAGE_TIMEOUT", 2, 40, "a socket that says nothing valid is closed after so long", async (value) => {
  const { world } = await staged({ FIRST_MESSAGE_TIMEOUT: value });
  const connection = await world.connect("bob");
  await world.pass(value - 1);
  expect(connection.isOpen).toBe(true);
  await world.pass(2);
  expect(connection.isOpen).toBe(false);
});

setting("AUTHENTICATION_TIMEOUT", 20, 300, "a socket on which nobody authenticates is closed after so long", async (value) => {
  const { world } = await staged({ AUTHENTICATION_TIMEOUT: value });
  const connection = await world.connect("bob");
  registers(connection, 1);
  await world.pass(value - 2);
  expect(connection.isOpen).toBe(true);
  await world.pass(4);
  expect(connection.isOpen).toBe(false);
});

setting("NONCE_LIFETIME", 5, 3000, "a nonce is good for so long, then it is stale", async (value) => {
  for (const [late, status] of [
    [-2, 200],
    [2, 401],
  ] as const) {
    const { world } = await staged({ NONCE_LIFETIME: value, AUTHENTICATION_TIMEOUT: 3600 });
    const connection = await world.connect("bob");
    const heard: string[] = [];
    connection.listen({ heard: (frame) => heard.push(frame), lost: () => undefined });
    registers(connection, 1);
    await world.settle();
    const challenges = headers(readReceivedMessage(heard.at(-1) ?? "", false), "www-authenticate");
    await world.pass(value + late);
    const credentials = answerChallenge(challenges, { method: "REGISTER", uri: "sip:example.com", username: "bob", password: "offhook" });
    registers(connection, 2, [`Authorization: ${credentials}`]);
    await world.settle();
    const answer = readReceivedMessage(heard.at(-1) ?? "", false);
    expect([answer.status, /stale=true/i.test(headers(answer, "www-authenticate").join())]).toEqual([status, status === 401]);
    world.end();
  }
});

setting(
  "MAXIMUM_UNAUTHENTICATED",
  2,
  50,
  "so many sockets of a home may be without authentication, then the oldest is closed",
  async (value) => {
    const { world } = await staged({ MAXIMUM_UNAUTHENTICATED: value });
    const connections: Connection[] = [];
    for (let count = 0; count < value + 1; count += 1) {
      expect(connections.every(({ isOpen }) => isOpen)).toBe(true);
      connections.push(await world.connect("bob"));
      await world.take(20);
    }
    expect(connections.map(({ isOpen }) => isOpen)).toEqual([false, ...Array<boolean>(value).fill(true)]);
  },
);
