import type { GuestRates } from "../../platform/guest-rates.ts";
import type { Announcer } from "../../platform/domain-events.ts";
import type { TokenUseStore } from "../../platform/directory/token-use-store.ts";
import type { VerifiedToken } from "../../platform/tokens/token-verifier.ts";
import type { AskRouter } from "../../platform/router/ask-router.ts";
import type { SendPush } from "../../platform/push/send-push.ts";
import type { RecordStore } from "../../platform/call-records.ts";
import type { HomeName } from "../../lib/transport/identifiers.ts";
import type { Configuration } from "../../platform/configuration.ts";
import type { Directory } from "../../platform/directory/directory.ts";
import type { Keyring } from "../../lib/authentication/keyring.ts";
import type { ProxyTimers } from "../../lib/proxy/response-context/context.ts";
import type { FailedCalls } from "./failed-calls.ts";
import type { Sockets } from "./sockets.ts";
import type { SharedAlarm } from "../../platform/alarm.ts";
import type { NewServers } from "../../platform/new-servers.ts";
import type { UnavailableServers } from "../../platform/unavailable-servers.ts";
import type { Log } from "../../platform/log.ts";
import type { Sql } from "../../platform/sql.ts";
import type { Resolver } from "../../platform/dns/resolver.ts";
import type { Outbox } from "../../platform/outbox.ts";

/** What the parts of a home share: its resources and its name. No part knows another's tables. */
export interface Room {
  readonly home: Home;
  readonly configuration: Configuration;
  readonly timers: ProxyTimers;
  readonly keyring: Keyring;
  readonly directory: Directory;
  readonly resolver: Resolver;
  readonly unavailableServers: UnavailableServers;
  readonly newServers: NewServers;
  readonly memory: Sql;
  readonly alarm: SharedAlarm;
  readonly sockets: Sockets;
  readonly outbox: Outbox;
  readonly guestRates: GuestRates;
  readonly log: Log;
  readonly failed: FailedCalls;
  /** Where the records of calls are kept. */
  readonly records: RecordStore | undefined;
  /** Asks the router of a domain about a call. */
  readonly askRouter: AskRouter;
  /** Counts the uses of tokens that have a limit of them. */
  readonly tokenUses: TokenUseStore;
  /** Undefined for a token that is not accepted. */
  verifyToken(token: string, now: number): Promise<VerifiedToken | undefined>;
  /** Requests a push notification. */
  readonly sendPush: SendPush;
  /** Tells the web hooks of the domain. */
  readonly announcer: Announcer;
}

/** The parts of a home's name, `sip:alice@example.com#1`. */
export interface Home {
  readonly name: HomeName;
  readonly user: string;
  readonly domain: string;
  /** The part of the name that others see, in our branches. */
  readonly hint: string;
  /** By all keys, that of the present key first. */
  readonly hints: readonly string[];
}

export function readHome(name: HomeName, hints: readonly string[]): Home {
  const at = name.lastIndexOf("@");
  return { name, hint: hints[0] as string, hints, user: name.slice("sip:".length, at), domain: name.slice(at + 1, name.lastIndexOf("#")) };
}
