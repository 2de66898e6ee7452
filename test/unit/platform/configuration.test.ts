import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { issueRoot } from "../../support/telephone-certificates.ts";
import { type Settings, numberSettings, readConfiguration } from "../../../platform/configuration.ts";

const key = Buffer.alloc(32, 7).toString("base64");
const names = Object.keys(numberSettings) as (keyof typeof numberSettings)[];

describe("settings that are not there", () => {
  it("have their defaults, and nothing is open by default", () => {
    expect(readConfiguration({})).toEqual({
      localDevelopment: false,
      publicHost: undefined,
      allowedOrigins: undefined,
      turnstileUrl: "https://challenges.cloudflare.com/turnstile/v0/siteverify",
      dnsUrl: "https://cloudflare-dns.com/dns-query",
      allowedNetworks: [],
      enumApex: "",
      sealKeys: [],
      adminToken: undefined,
      logging: true,
      registrar: {
        minimumExpires: 60,
        defaultExpires: 600,
        maximumExpires: 7200,
        pushExpires: 604_800,
        spread: 0.1,
        maximumContacts: 10,
        leaseFactor: 10,
        flowTimer: 120,
      },
      bindingGrace: 30,
      closedGrace: 4,
      pushWait: 45,
      deadCallTime: 120,
      callerGrace: 10,
      firstMessageTimeout: 10,
      authenticationTimeout: 60,
      flowLifetime: 86_400,
      nonceLifetime: 300,
      ringTimeout: 185,
      transactionTimeout: 32,
      groupTime: 20,
      recursesOnRedirect: false,
      sessionTimer: { minimum: 0, wanted: 0 },
      storedMessages: 100,
      storedMessageSize: 16_384,
      storedMessageAge: 604_800,
      subscriptions: { minimumExpires: 60, maximumExpires: 7200 },
      publications: { minimumExpires: 60, maximumExpires: 7200, defaultExpires: 600, maximumPublications: 10, maximumSize: 16_384 },
      maximumWatchers: 1000,
      hopIdleTime: 60,
      hopKeepAlive: 30,
      reconnectTime: 30,
      maximumReconnectTime: 1800,
      copyLifetime: 3600,
      copyLastResort: 86_400,
      maximumUnauthenticated: 20,
      maximumHomeConnections: 8,
      traceLength: 50,
      callRecordDays: 30,
      hep: undefined,
      stirRoots: [],
      verificationTimeout: 0.4,
    });
  });

  it("are the same as empty ones", () => {
    const empty = Object.fromEntries([...names, "ADMIN_TOKEN", "PUBLIC_HOST", "ALLOWED_ORIGINS", "SEAL_KEYS"].map((name) => [name, ""]));
    expect(readConfiguration(empty as Settings)).toEqual(readConfiguration({}));
  });

  it("keep Timer C above three minutes (RFC 3261 §16.6 step 11) and Timer B at 64*T1 (§17.1.1.2)", () => {
    const { ringTimeout, transactionTimeout } = readConfiguration({});
    expect([ringTimeout > 180, transactionTimeout]).toEqual([true, 32]);
  });
});

describe("settings that are numbers", () => {
  it.each(names.map((name) => [name, ...numberSettings[name]] as const))("%s is %d, from %d to %d", (name, fallback, least, most) => {
    expect(fallback >= least && fallback <= most).toBe(true);
    for (const written of [least, most].map(String)) {
      expect(() => readConfiguration({ [name]: written })).not.toThrow(`the setting ${name}`);
    }
    for (const written of [String(least - 1), String(most + 1), "many", "1,5", "NaN", " "]) {
      expect(() => readConfiguration({ [name]: written })).toThrow(`the setting ${name} is "${written}"`);
    }
  });

  it("are read where they are needed", () => {
    expect(readConfiguration({ BINDING_GRACE: "5" }).bindingGrace).toBe(5);
    expect(readConfiguration({ EXPIRES_SPREAD: "0" }).registrar.spread).toBe(0);
    expect(readConfiguration({ TRACE_LENGTH: "0" }).traceLength).toBe(0);
  });

  it.each([
    ["1", "604800", "604800"],
    ["60", "60", "60"],
  ])("expiries of %s, %s and %s rise", (MINIMUM_EXPIRES, DEFAULT_EXPIRES, MAXIMUM_EXPIRES) => {
    expect(readConfiguration({ MINIMUM_EXPIRES, DEFAULT_EXPIRES, MAXIMUM_EXPIRES }).registrar.defaultExpires).toBe(Number(DEFAULT_EXPIRES));
  });

  it.each([{ MINIMUM_EXPIRES: "601" }, { DEFAULT_EXPIRES: "59" }, { DEFAULT_EXPIRES: "7201" }, { MAXIMUM_EXPIRES: "599" }])(
    "expiries that do not rise are refused: %o",
    (settings) => {
      expect(() => readConfiguration(settings)).toThrow("must be in ascending order");
    },
  );

  it.each([{ MINIMUM_EVENT_EXPIRES: "7201" }, { MAXIMUM_EVENT_EXPIRES: "59" }])(
    "a least time of events that is longer than the longest is refused: %o",
    (settings) => {
      expect(() => readConfiguration(settings)).toThrow("MINIMUM_EVENT_EXPIRES and MAXIMUM_EVENT_EXPIRES must be in ascending order");
    },
  );

  it("stand in docs/settings.md, each with its default", () => {
    const page = readFileSync("docs/settings.md", "utf8");
    const documented = page.split("\n").filter((line) => line.startsWith("| `"));
    for (const name of names) {
      const line = documented.find((row) => row.split("|")[1]?.includes(`\`${name}\``)) ?? "";
      expect(`${name} ${line}`).toContain(String(numberSettings[name][0]));
    }
  });
});

describe("settings that are texts", () => {
  it("LOCAL_DEVELOPMENT and LOGGING switch on and off by one word only", () => {
    for (const written of ["1", "yes", "TRUE", "false"])
      expect(readConfiguration({ LOCAL_DEVELOPMENT: written }).localDevelopment).toBe(false);
    expect(readConfiguration({ LOCAL_DEVELOPMENT: "true" }).localDevelopment).toBe(true);
    expect(readConfiguration({ LOGGING: "false" }).logging).toBe(false);
  });

  it("stand in docs/settings.md too", () => {
    const page = readFileSync("docs/settings.md", "utf8");
    const texts = [
      "PUBLIC_HOST",
      "ALLOWED_ORIGINS",
      "DNS_URL",
      "ENUM_APEX",
      "ALLOWED_NETWORKS",
      "RECURSE_ON_REDIRECT",
      "LOGGING",
      "SEAL_KEYS",
      "ADMIN_TOKEN",
    ];
    expect(texts.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it("may be numbers and booleans, as TOML has them", () => {
    const written = {
      RING_TIMEOUT: 60,
      EXPIRES_SPREAD: 0,
      LOGGING: false,
      RECURSE_ON_REDIRECT: true,
      DIRECTORY: {},
    } as unknown as Settings;
    expect(readConfiguration(written)).toEqual(
      readConfiguration({ RING_TIMEOUT: "60", EXPIRES_SPREAD: "0", LOGGING: "false", RECURSE_ON_REDIRECT: "true" }),
    );
  });

  it("ALLOWED_ORIGINS is a list", () => {
    const written = " https://a.example, https://b.example:8443 ,";
    expect(readConfiguration({ ALLOWED_ORIGINS: written }).allowedOrigins).toEqual(["https://a.example", "https://b.example:8443"]);
  });

  it("PUBLIC_HOST is in lower case", () => {
    expect(readConfiguration({ PUBLIC_HOST: "SIP.Example.COM:8443" }).publicHost).toBe("sip.example.com:8443");
  });

  it("SEAL_KEYS are base64 keys of 32 octets at least, in order", () => {
    const other = Buffer.alloc(48, 9).toString("base64");
    expect(readConfiguration({ SEAL_KEYS: `${key}, ${other}` }).sealKeys.map(([first]) => first)).toEqual([7, 9]);
    for (const short of ["short", Buffer.alloc(31).toString("base64"), `${key},c2hvcnQ=`]) {
      expect(() => readConfiguration({ SEAL_KEYS: short })).toThrow("less than 32 octets");
    }
  });

  it("no error shows a key", () => {
    expect(() => readConfiguration({ SEAL_KEYS: "c2VjcmV0" })).not.toThrow("c2VjcmV0");
  });
});

it("an environment is read once", () => {
  const settings = {};
  expect(readConfiguration(settings)).toBe(readConfiguration(settings));
});

describe("the authorities that may sign for callers (STIR_ROOTS)", () => {
  const { certificate } = issueRoot();

  it("are certificates in PEM, also in one line", () => {
    for (const written of [certificate, certificate + certificate, certificate.replaceAll("\n", "\\n")])
      expect(readConfiguration({ STIR_ROOTS: written }).stirRoots[0]?.extensions.isAuthority).toBe(true);
  });

  it("stand in several settings if there are many: the platform takes 5 KB for each", () => {
    const settings = { STIR_ROOTS: certificate, STIR_ROOTS_2: issueRoot().certificate, STIR_ROOTS_17: issueRoot().certificate } as Settings;
    expect(readConfiguration(settings).stirRoots).toHaveLength(3);
    expect(() => readConfiguration({ STIR_ROOTS_2: "nonsense" } as Settings)).toThrow("the setting STIR_ROOTS_2 has no certificates");
  });

  it.each(["nonsense", certificate.replace("MII", "AAA"), certificate.repeat(101)])("are refused if they are none: %#", (written) => {
    expect(() => readConfiguration({ STIR_ROOTS: written })).toThrow("the setting STIR_ROOTS has no certificates in PEM");
  });
});
