import { type Certificate, readCertificates } from "./stir/certificate.ts";
import { isNetwork } from "../lib/routing/network.ts";
import { type HepServer, readHepServer } from "./hep-server.ts";
import type { SessionTimerPolicy } from "../lib/proxy/session-timer.ts";
import type { PublishSettings } from "../lib/presence/publication.ts";
import type { SubscriptionSettings } from "../lib/presence/subscription.ts";
import type { RegistrarSettings } from "../lib/registrar/settings.ts";

/** All settings, checked. Times are in seconds. */
export interface Configuration {
  /** Allows `ws:` without TLS. Never set in a deployment. */
  readonly localDevelopment: boolean;
  /** Our host name; undefined: the one that the phone connected to. */
  readonly publicHost: string | undefined;
  /** Origins of the pages that may connect; undefined: any, because credentials are never ambient. */
  readonly allowedOrigins: readonly string[] | undefined;
  /** The resource of a DNS server over HTTPS (RFC 8484). */
  readonly dnsUrl: string;
  /** The domain under which telephone numbers are looked up (RFC 6116 §3.2); "": no lookups. */
  readonly enumApex: string;
  /** The siteverify of Turnstile, or of another service with the same interface. */
  readonly turnstileUrl: string;
  /** CIDR: private networks that calls and web hooks may go to. */
  readonly allowedNetworks: readonly string[];
  /** The first seals, all open. */
  readonly sealKeys: readonly Uint8Array[];
  readonly adminToken: string | undefined;
  /** Opens `/metrics` only. */
  readonly metricsToken: string | undefined;
  readonly logging: boolean;
  readonly registrar: RegistrarSettings;
  readonly bindingGrace: number;
  readonly closedGrace: number;
  /** How long a call waits for a phone that a push notification has woken. */
  readonly pushWait: number;
  readonly deadCallTime: number;
  readonly callerGrace: number;
  readonly firstMessageTimeout: number;
  readonly authenticationTimeout: number;
  readonly flowLifetime: number;
  readonly nonceLifetime: number;
  readonly ringTimeout: number;
  readonly transactionTimeout: number;
  readonly groupTime: number;
  readonly recursesOnRedirect: boolean;
  readonly sessionTimer: SessionTimerPolicy;
  readonly storedMessages: number;
  readonly storedMessageSize: number;
  readonly storedMessageAge: number;
  readonly subscriptions: SubscriptionSettings;
  readonly publications: PublishSettings;
  readonly maximumWatchers: number;
  /** An unused connection to another server is closed after this time. */
  readonly hopIdleTime: number;
  /** The time between keep-alives on such a connection. */
  readonly hopKeepAlive: number;
  /** The first and the longest wait before a connection that we hold is opened again (RFC 5626 §4.5). */
  readonly reconnectTime: number;
  readonly maximumReconnectTime: number;
  readonly copyLifetime: number;
  readonly copyLastResort: number;
  readonly maximumUnauthenticated: number;
  readonly maximumHomeConnections: number;
  readonly traceLength: number;
  /** Days that the records of calls are kept; 0: there are none. */
  readonly callRecordDays: number;
  /** Where each message is exported to. */
  readonly hep: HepServer | undefined;
  /** The authorities whose certificates may sign for telephone numbers (RFC 8226). */
  readonly stirRoots: readonly Certificate[];
  /** How long a call waits for the verification of its caller. */
  readonly verificationTimeout: number;
}

/** The settings as the platform provides them: all optional, each a text. */
export interface Settings {
  readonly ADMIN_TOKEN?: string;
  readonly METRICS_TOKEN?: string;
  readonly SEAL_KEYS?: string;
  readonly LOCAL_DEVELOPMENT?: string;
  readonly PUBLIC_HOST?: string;
  readonly ALLOWED_ORIGINS?: string;
  readonly DNS_URL?: string;
  readonly ALLOWED_NETWORKS?: string;
  readonly ENUM_APEX?: string;
  readonly TURNSTILE_URL?: string;
  readonly LOGGING?: string;
  readonly MINIMUM_EXPIRES?: string;
  readonly DEFAULT_EXPIRES?: string;
  readonly MAXIMUM_EXPIRES?: string;
  readonly PUSH_EXPIRES?: string;
  readonly PUSH_WAIT?: string;
  readonly EXPIRES_SPREAD?: string;
  readonly MAXIMUM_CONTACTS?: string;
  readonly LEASE_FACTOR?: string;
  readonly FLOW_TIMER?: string;
  readonly BINDING_GRACE?: string;
  readonly CLOSED_GRACE?: string;
  readonly CALLER_GRACE?: string;
  readonly DEAD_CALL_TIME?: string;
  readonly FIRST_MESSAGE_TIMEOUT?: string;
  readonly AUTHENTICATION_TIMEOUT?: string;
  readonly FLOW_LIFETIME?: string;
  readonly NONCE_LIFETIME?: string;
  readonly RING_TIMEOUT?: string;
  readonly TRANSACTION_TIMEOUT?: string;
  readonly GROUP_TIME?: string;
  readonly RECURSE_ON_REDIRECT?: string;
  readonly MINIMUM_SESSION_EXPIRES?: string;
  readonly SESSION_EXPIRES?: string;
  readonly STORED_MESSAGES?: string;
  readonly STORED_MESSAGE_SIZE?: string;
  readonly STORED_MESSAGE_AGE?: string;
  readonly MINIMUM_EVENT_EXPIRES?: string;
  readonly MAXIMUM_EVENT_EXPIRES?: string;
  readonly MAXIMUM_WATCHERS?: string;
  readonly MAXIMUM_PUBLICATIONS?: string;
  readonly PUBLICATION_SIZE?: string;
  readonly HOP_IDLE_TIME?: string;
  readonly HOP_KEEP_ALIVE?: string;
  readonly RECONNECT_TIME?: string;
  readonly MAXIMUM_RECONNECT_TIME?: string;
  readonly COPY_LIFETIME?: string;
  readonly COPY_LAST_RESORT?: string;
  readonly MAXIMUM_UNAUTHENTICATED?: string;
  readonly MAXIMUM_LEGS?: string;
  readonly TRACE_LENGTH?: string;
  readonly CALL_RECORD_DAYS?: string;
  readonly HEP_SERVER?: string;
  readonly HEP_PASSWORD?: string;
  readonly HEP_CAPTURE_ID?: string;
  readonly STIR_ROOTS?: string;
  readonly VERIFICATION_TIMEOUT?: string;
}

type NumberSetting = readonly [fallback: number, least: number, most: number];

/** The settings that are numbers: default, minimum, maximum. docs/settings.md explains them. */
export const numberSettings = {
  MINIMUM_EXPIRES: [60, 1, 86_400],
  DEFAULT_EXPIRES: [600, 1, 604_800],
  MAXIMUM_EXPIRES: [7200, 1, 604_800],
  PUSH_EXPIRES: [604_800, 300, 2_592_000],
  PUSH_WAIT: [45, 5, 180],
  EXPIRES_SPREAD: [0.1, 0, 0.5],
  MAXIMUM_CONTACTS: [10, 1, 100],
  LEASE_FACTOR: [10, 1, 100],
  FLOW_TIMER: [120, 0, 86_400],
  BINDING_GRACE: [30, 0, 3600],
  CLOSED_GRACE: [4, 0, 3600],
  CALLER_GRACE: [10, 0, 3600],
  DEAD_CALL_TIME: [120, 0, 86_400],
  FIRST_MESSAGE_TIMEOUT: [10, 1, 300],
  AUTHENTICATION_TIMEOUT: [60, 1, 3600],
  FLOW_LIFETIME: [86_400, 60, 2_592_000],
  NONCE_LIFETIME: [300, 1, 86_400],
  RING_TIMEOUT: [185, 1, 3600],
  TRANSACTION_TIMEOUT: [32, 1, 300],
  GROUP_TIME: [20, 1, 180],
  MINIMUM_SESSION_EXPIRES: [0, 0, 86_400],
  SESSION_EXPIRES: [0, 0, 86_400],
  STORED_MESSAGES: [100, 0, 10_000],
  STORED_MESSAGE_SIZE: [16_384, 1, 65_536],
  STORED_MESSAGE_AGE: [604_800, 60, 31_536_000],
  MINIMUM_EVENT_EXPIRES: [60, 1, 86_400],
  MAXIMUM_EVENT_EXPIRES: [7200, 1, 604_800],
  MAXIMUM_WATCHERS: [1000, 1, 10_000],
  MAXIMUM_PUBLICATIONS: [10, 1, 100],
  PUBLICATION_SIZE: [16_384, 1, 65_536],
  HOP_IDLE_TIME: [60, 1, 86_400],
  HOP_KEEP_ALIVE: [30, 1, 3600],
  RECONNECT_TIME: [30, 1, 3600],
  MAXIMUM_RECONNECT_TIME: [1800, 1, 86_400],
  COPY_LIFETIME: [3600, 1, 86_400],
  COPY_LAST_RESORT: [86_400, 1, 604_800],
  MAXIMUM_UNAUTHENTICATED: [20, 1, 1000],
  MAXIMUM_LEGS: [8, 1, 64],
  TRACE_LENGTH: [50, 0, 1000],
  VERIFICATION_TIMEOUT: [0.4, 0.05, 60],
  CALL_RECORD_DAYS: [30, 0, 3650],
  HEP_CAPTURE_ID: [2001, 1, 4_294_967_295],
} as const satisfies Partial<Record<keyof Settings, NumberSetting>>;

const read = new WeakMap<object, Configuration>();

/** Reads the settings of an environment, once. A wrong one is the operator's error and throws, with its name. */
export function readConfiguration(settings: Settings): Configuration {
  const known = read.get(settings);
  if (known !== undefined) return known;
  const configuration = parse(settings);
  read.set(settings, configuration);
  return configuration;
}

/** wrangler.toml may contain 60 and true as well as "60" and "true". */
function inText(settings: Settings): Settings {
  const isPlain = (value: unknown) => ["string", "number", "boolean"].includes(typeof value);
  return Object.fromEntries(Object.entries(settings).flatMap(([name, value]) => (isPlain(value) ? [[name, String(value)]] : [])));
}

function parse(written: Settings): Configuration {
  const settings = inText(written);
  const number = (name: keyof typeof numberSettings) => readNumber(name, settings[name]);
  return {
    localDevelopment: settings.LOCAL_DEVELOPMENT === "true",
    publicHost: settings.PUBLIC_HOST?.toLowerCase() || undefined,
    allowedOrigins: settings.ALLOWED_ORIGINS ? elements(settings.ALLOWED_ORIGINS) : undefined,
    dnsUrl: settings.DNS_URL || "https://cloudflare-dns.com/dns-query",
    enumApex: settings.ENUM_APEX ?? "",
    turnstileUrl: settings.TURNSTILE_URL || "https://challenges.cloudflare.com/turnstile/v0/siteverify",
    allowedNetworks: readNetworks(settings.ALLOWED_NETWORKS),
    sealKeys: readKeys(settings.SEAL_KEYS),
    adminToken: settings.ADMIN_TOKEN || undefined,
    metricsToken: settings.METRICS_TOKEN || undefined,
    logging: settings.LOGGING !== "false",
    registrar: {
      ...readExpires(number),
      pushExpires: number("PUSH_EXPIRES"),
      spread: number("EXPIRES_SPREAD"),
      maximumContacts: number("MAXIMUM_CONTACTS"),
      leaseFactor: number("LEASE_FACTOR"),
      flowTimer: number("FLOW_TIMER"),
    },
    bindingGrace: number("BINDING_GRACE"),
    closedGrace: number("CLOSED_GRACE"),
    pushWait: number("PUSH_WAIT"),
    deadCallTime: number("DEAD_CALL_TIME"),
    callerGrace: number("CALLER_GRACE"),
    firstMessageTimeout: number("FIRST_MESSAGE_TIMEOUT"),
    authenticationTimeout: number("AUTHENTICATION_TIMEOUT"),
    flowLifetime: number("FLOW_LIFETIME"),
    nonceLifetime: number("NONCE_LIFETIME"),
    ringTimeout: number("RING_TIMEOUT"),
    transactionTimeout: number("TRANSACTION_TIMEOUT"),
    groupTime: number("GROUP_TIME"),
    sessionTimer: { minimum: number("MINIMUM_SESSION_EXPIRES"), wanted: number("SESSION_EXPIRES") },
    storedMessages: number("STORED_MESSAGES"),
    storedMessageSize: number("STORED_MESSAGE_SIZE"),
    storedMessageAge: number("STORED_MESSAGE_AGE"),
    subscriptions: readEventExpires(number),
    publications: {
      ...readEventExpires(number),
      defaultExpires: number("DEFAULT_EXPIRES"),
      maximumPublications: number("MAXIMUM_PUBLICATIONS"),
      maximumSize: number("PUBLICATION_SIZE"),
    },
    maximumWatchers: number("MAXIMUM_WATCHERS"),
    recursesOnRedirect: settings.RECURSE_ON_REDIRECT === "true",
    hopIdleTime: number("HOP_IDLE_TIME"),
    hopKeepAlive: number("HOP_KEEP_ALIVE"),
    reconnectTime: number("RECONNECT_TIME"),
    maximumReconnectTime: number("MAXIMUM_RECONNECT_TIME"),
    copyLifetime: number("COPY_LIFETIME"),
    copyLastResort: number("COPY_LAST_RESORT"),
    maximumUnauthenticated: number("MAXIMUM_UNAUTHENTICATED"),
    maximumHomeConnections: number("MAXIMUM_LEGS"),
    traceLength: number("TRACE_LENGTH"),
    callRecordDays: number("CALL_RECORD_DAYS"),
    hep: readHepServer(settings, number("HEP_CAPTURE_ID")),
    stirRoots: Object.entries(settings).flatMap(([name, value]) => (isOfRoots.test(name) ? readRoots(name, value) : [])),
    verificationTimeout: number("VERIFICATION_TIMEOUT"),
  };
}

function readExpires(
  number: (name: keyof typeof numberSettings) => number,
): Pick<RegistrarSettings, "minimumExpires" | "defaultExpires" | "maximumExpires"> {
  const [minimumExpires, defaultExpires, maximumExpires] = [
    number("MINIMUM_EXPIRES"),
    number("DEFAULT_EXPIRES"),
    number("MAXIMUM_EXPIRES"),
  ];
  if (minimumExpires > defaultExpires || defaultExpires > maximumExpires) {
    throw new Error(
      `the settings MINIMUM_EXPIRES, DEFAULT_EXPIRES and MAXIMUM_EXPIRES must be in ascending order: ${minimumExpires}, ${defaultExpires}, ${maximumExpires}`,
    );
  }
  return { minimumExpires, defaultExpires, maximumExpires };
}

function readEventExpires(number: (name: keyof typeof numberSettings) => number): SubscriptionSettings {
  const [minimumExpires, maximumExpires] = [number("MINIMUM_EVENT_EXPIRES"), number("MAXIMUM_EVENT_EXPIRES")];
  if (minimumExpires > maximumExpires) {
    throw new Error(
      `the settings MINIMUM_EVENT_EXPIRES and MAXIMUM_EVENT_EXPIRES must be in ascending order: ${minimumExpires}, ${maximumExpires}`,
    );
  }
  return { minimumExpires, maximumExpires };
}

function readNumber(name: keyof typeof numberSettings, written: string | undefined): number {
  const [fallback, least, most] = numberSettings[name];
  if (written === undefined || written === "") return fallback;
  const value = written.trim() === "" ? Number.NaN : Number(written);
  if (!(value >= least && value <= most)) throw new Error(`the setting ${name} is "${written}", not a number from ${least} to ${most}`);
  return value;
}

/** At least 32 octets each: the output of `openssl rand -base64 32`. */
function readKeys(written: string | undefined): readonly Uint8Array[] {
  return elements(written ?? "").map((text) => {
    const key = Buffer.from(text, "base64");
    if (key.length < 32) throw new Error("a key in SEAL_KEYS has less than 32 octets: use `openssl rand -base64 32`");
    return new Uint8Array(key);
  });
}

/** Certificates in PEM, of authorities. */
function readRoots(name: string, written: string): readonly Certificate[] {
  // A setting in one line has \n in place of the line breaks.
  const pem = written.replaceAll("\\n", "\n").trim();
  if (pem === "") return [];
  const roots = readCertificates(pem, maxRoots);
  if (roots === undefined) throw new Error(`the setting ${name} has no certificates in PEM, a malformed one, or more than ${maxRoots}`);
  return roots;
}

const maxRoots = 100;
/** The platform takes 5 KB for a setting, which five certificates fill: others go into settings of their own. */
const isOfRoots = /^STIR_ROOTS(?:_\d{1,2})?$/;

function readNetworks(written: string | undefined): readonly string[] {
  const networks = elements(written ?? "");
  for (const network of networks)
    if (!isNetwork(network)) throw new Error(`in ALLOWED_NETWORKS, "${network}" is not a network in CIDR notation`);
  return networks;
}

function elements(list: string): string[] {
  return list
    .split(",")
    .map((element) => element.trim())
    .filter((element) => element !== "");
}
