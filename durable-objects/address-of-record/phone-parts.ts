import type { ActiveCalls } from "./active-calls.ts";
import type { Forking } from "./forking.ts";
import type { Originating } from "./originating.ts";
import type { OriginatingResponses } from "./originating-responses.ts";
import type { PendingInvites } from "./pending-invites.ts";
import type { PresentDialogs } from "./present-dialogs.ts";
import type { Terminating } from "./terminating.ts";
import type { UndeliveredMessages } from "./undelivered-messages.ts";

/** The parts that exchange messages with phones. */
export interface PhoneParts {
  readonly activeCalls: ActiveCalls;
  readonly originating: Originating;
  readonly responses: OriginatingResponses;
  readonly terminating: Terminating;
  readonly forking: Forking;
  readonly pendingInvites: PendingInvites;
  readonly presentDialogs: PresentDialogs;
  readonly undelivered: UndeliveredMessages;
}
