import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Telephone, hasBaresip, startTelephone } from "../support/baresip.ts";
import { canBrowse } from "../support/browser.ts";
import { makeCertificates } from "../support/certificates.ts";
import { type DnsServer, startDnsServer } from "../support/dns-server.ts";
import { type Rtpengine, hasRtpengine, startRtpengine } from "../support/rtpengine.ts";
import type { Parlour } from "./browser-phone.ts";
import { callsBack, holdsAndResumes } from "./telephone-calls.ts";

const isHere = canBrowse && hasBaresip && hasRtpengine;

describe.skipIf(!isHere)("a browser and a telephone behind a trunk over TLS", () => {
  const folder = mkdtempSync(join(tmpdir(), "offhook-certificates-"));
  let dns: DnsServer;
  let desk: Telephone;
  let engine: Rtpengine;
  let parlour: Parlour;
  beforeAll(async () => {
    makeCertificates(folder, "DNS:pbx.example");
    process.env["NODE_EXTRA_CA_CERTS"] = join(folder, "ca.pem");
    // Miniflare reads that when it is loaded.
    const { openParlour } = await import("./browser-phone.ts");
    [dns, engine, desk] = await Promise.all([startDnsServer(), startRtpengine(), startTelephone("+4930100", "rtp", folder)]);
    dns.zone = [`_sips._tcp.pbx.example SRV 1 1 ${desk.port} host.pbx.example`, "host.pbx.example A 127.0.0.1"];
    parlour = await openParlour({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8", DNS_URL: dns.url } });
    const put = async (path: string, body: object) =>
      expect((await parlour.serverUnderTest.server.api("PUT", `/domains/localhost/${path}`, body)).status).toBe(200);
    await put("media/engine", { kind: "rtpengine", url: engine.url });
    // Not sips: baresip 1.0 reads `sips:…;transport=tcp` (RFC 3261 §26.2.2) as TCP, and its BYE goes nowhere.
    await put("trunks/carrier", { server: "sip:pbx.example;transport=tls", prefixes: ["+4930"], inbound: true, media: { profile: "rtp" } });
  });
  afterAll(async () => {
    await Promise.all([parlour?.close(), engine?.close(), desk?.close()]);
    dns?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(["jssip", "sipjs"] as const)(
    "%s calls it and is called by it: both hear, hold and resume, and the sessions end",
    async (library) => {
      const alice = await parlour.phone(library, "general", "alice");
      await alice.calls("+4930100");
      await desk.happens("rings");
      desk.answers();
      await alice.becomes("confirmed");
      await holdsAndResumes(desk, alice);
      desk.hangsUp();
      await alice.becomes("ended");
      await expect.poll(() => engine.sessions()).toEqual([]);
      await callsBack(desk, alice);
      await alice.does("hangUp");
      await desk.happens("has ended");
      await expect.poll(() => engine.sessions()).toEqual([]);
    },
  );
});
