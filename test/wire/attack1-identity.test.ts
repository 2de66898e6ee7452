import { afterAll, describe, expect, it } from "vitest";
import { ring } from "../support/call.ts";
import { dialogOfCaller } from "../support/dialog.ts";
import { openTown, ways } from "../support/town.ts";

const town = await openTown();
afterAll(() => town.close());

const carol = (tag: string) => `"Carol" <sip:carol@localhost>;tag=${tag}`;

describe.each(ways)("attack: a From of somebody else by the route of a call that only rang, on the %s way", (way) => {
  const tags = [
    ["without a value (JsSIP and SIP.js take the request for one outside a dialog)", ";tag"],
    ["there twice, the second without a value (SIP.js takes the last)", ";tag=x;tag"],
  ] as const;

  it.each(tags)("INVITE, To tag %s", async (_, tag) => {
    const [mallory, bob] = await town.phones(way, "mallory", "bob");
    const { ringing } = await ring(mallory, bob);
    const dialog = dialogOfCaller(ringing);
    const lie = mallory.inDialog("INVITE", dialog, { from: carol(mallory.tag), to: `<${bob.aor}>${tag}` });
    const status = await Promise.race([
      mallory.finalResponse(lie).then(({ status: refused }) => refused),
      bob.next((message) => message.method === "INVITE" && message.raw.includes("carol@")).then(() => "bob's phone rings: carol calls"),
    ]);
    expect(status).toBe(400);
  });

  it("MESSAGE, any To tag: JsSIP shows it without looking for a dialog", async () => {
    const [mallory, bob] = await town.phones(way, "mallory", "bob");
    const { ringing } = await ring(mallory, bob);
    const dialog = dialogOfCaller(ringing);
    const lie = mallory.inDialog("MESSAGE", dialog, { from: carol(mallory.tag), body: "the new password is …" });
    const status = await Promise.race([
      mallory.finalResponse(lie).then(({ status: refused }) => refused),
      bob.next((message) => message.method === "MESSAGE").then(() => "bob's phone shows a message of carol"),
    ]);
    expect(status).toBe(403);
  });
});
