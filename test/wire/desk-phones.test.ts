import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasBaresip, startBaresip } from "../support/baresip.ts";
import type { DeskPhone } from "../support/desk-phone.ts";
import { freePort } from "../support/kamailio.ts";
import { hasLinphone, startLinphone } from "../support/linphone.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { asDeskPhone } from "../support/web-desk-phone.ts";

/** Phones that nobody here wrote, over TCP, which local development takes. In CI both have to be there. */
const isHere = (hasBaresip && hasLinphone) || process.env["CI"] !== undefined;
const missing = isHere ? "" : " (skipped: it takes Debian's packages baresip-core and linphone-cli)";

let serverUnderTest: ServerUnderTest;
let port: number;
beforeAll(async () => {
  port = await freePort();
  serverUnderTest = await startServerUnderTest({ sipPort: port });
});
afterAll(() => serverUnderTest.close());

const phones: DeskPhone[] = [];
afterEach(async () => {
  for (const phone of phones.splice(0)) await phone.close();
});

const kinds = {
  baresip: (account: string) => startBaresip({ account, port }),
  linphone: (account: string) => startLinphone({ account, port }),
  "a phone on a WebSocket": async (account: string) => asDeskPhone(await serverUnderTest.register(account, "general")),
} as const;

async function start(kind: keyof typeof kinds): Promise<DeskPhone & { readonly uri: string }> {
  const account = await serverUnderTest.newcomer("desk");
  const phone = await kinds[kind](account);
  phones.push(phone);
  return { ...phone, uri: `sip:${account}@localhost` };
}

const pairs: readonly (readonly [keyof typeof kinds, keyof typeof kinds])[] = [
  ["baresip", "linphone"],
  ["linphone", "baresip"],
  ["baresip", "a phone on a WebSocket"],
  ["a phone on a WebSocket", "baresip"],
  ["linphone", "a phone on a WebSocket"],
  ["a phone on a WebSocket", "linphone"],
];

describe.skipIf(!isHere)(`desk phones on TCP${missing}`, () => {
  it.each(pairs)("%s registers and calls %s: both talk, each holds and resumes, and each may hang up", async (one, other) => {
    const [caller, callee] = await Promise.all([start(one), start(other)]);
    for (const [last, first] of [
      [caller, callee],
      [callee, caller],
    ] as const) {
      caller.calls(callee.uri);
      await callee.happens("rings");
      await caller.happens("hears ringing");
      callee.answers();
      await Promise.all([caller.happens("talks"), callee.happens("talks")]);
      first.holds();
      await Promise.all([last.happens("is held"), first.happens("is answered")]);
      first.resumes();
      await Promise.all([last.happens("is resumed"), first.happens("is answered")]);
      last.hangsUp();
      await Promise.all([caller.happens("has ended"), callee.happens("has ended")]);
    }
    expect(phones).toHaveLength(2);
  });
});
