import type { Account } from "./account.ts";
import type { ActiveCalls } from "./active-calls.ts";
import type { CallRecords } from "./call-records.ts";
import type { Forking } from "./forking.ts";
import type { ListServer } from "./list-server.ts";
import type { CallsAtPresent } from "./non-subscriber-policy.ts";
import type { OriginatingResponses } from "./originating-responses.ts";
import type { PendingInvites } from "./pending-invites.ts";
import type { PresentDialogs } from "./present-dialogs.ts";
import type { TakenOverDialogs } from "./taken-over-dialogs.ts";
import type { TimedCalls } from "./timed-calls.ts";
import type { TryingTimer } from "./trying-timer.ts";
import type { UndeliveredMessages } from "./undelivered-messages.ts";

/** The parts of a home that requests of its phones need. */
export interface OriginatingParts {
  readonly account: Account;
  readonly pendingInvites: PendingInvites;
  readonly presentDialogs: PresentDialogs;
  readonly undelivered: UndeliveredMessages;
  readonly activeCalls: ActiveCalls;
  readonly records: CallRecords;
  readonly lists: ListServer;
  readonly callsAtPresent: CallsAtPresent;
  readonly forking: Pick<Forking, "acknowledged" | "has" | "openExternal">;
  readonly responses: OriginatingResponses;
  readonly tryingTimers: TryingTimer;
  readonly timedCalls: TimedCalls;
  readonly takenOver: TakenOverDialogs;
}
