import { afterEach, expect, vi } from "vitest";
import { isFault } from "../../../lib/syntax/fault.ts";
import { parseMessage } from "../../../lib/syntax/message.ts";
import type { Environment } from "../../../platform/environment.ts";
import { verifierOf } from "../../../platform/stir/verifier.ts";
import { compose } from "../../support/compose.ts";
import { setting } from "../../support/setting.ts";
import { issueProvider, issueRoot, shakenIdentity } from "../../support/telephone-certificates.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

setting("VERIFICATION_TIMEOUT", 0.1, 2, "so long a call waits for the verification of its caller", async (seconds) => {
  const root = issueRoot();
  const now = Date.now();
  const from = "12155551212";
  const identity = shakenIdentity(issueProvider(root), "https://198.51.100.7/1.pem", { from, to: "4930", iat: Math.floor(now / 1000) });
  const lines = [
    `From: <sip:+${from}@a.example>;tag=1`,
    "To: <sip:+4930@example.com>",
    "Call-ID: 1",
    "CSeq: 1 INVITE",
    `Identity: ${identity}`,
  ];
  const request = parseMessage(compose("INVITE sip:+4930@example.com SIP/2.0", lines));
  if (isFault(request) || request.kind !== "request") throw new Error("not a request");
  const settings = {
    STIR_ROOTS: root.certificate,
    VERIFICATION_TIMEOUT: String(seconds),
    LOCAL_DEVELOPMENT: "true",
    ALLOWED_NETWORKS: "198.51.100.0/24",
  };
  const environment = { ...settings, DIRECTORY: {} } as Environment;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const asked = vi.fn<() => Promise<never>>(() => new Promise(() => undefined));
  vi.stubGlobal("fetch", asked);
  const verification = verifierOf(environment)({ request, dialled: "4930", format: "e164", isTrusted: false }, now);
  let isOver = false;
  void verification.then(() => (isOver = true));
  await vi.advanceTimersByTimeAsync(seconds * 1000 - 1);
  expect([isOver, asked.mock.calls.length]).toEqual([false, 1]);
  await vi.advanceTimersByTimeAsync(1);
  expect(await verification).toMatchObject({ result: "none", status: 436, why: `the certificate was not there in ${seconds * 1000} ms` });
});
