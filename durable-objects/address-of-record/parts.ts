import { KeptTrace } from "./kept-trace.ts";
import { CallRecords } from "./call-records.ts";
import { LiveCalls } from "./live-calls.ts";
import type { EndedBy } from "../../lib/transport/envelope.ts";
import type { PhoneId } from "../../lib/transport/identifiers.ts";
import { isNonSubscriberHome } from "../../lib/transport/non-subscriber.ts";
import { Account } from "./account.ts";
import { Contexts } from "./contexts.ts";
import { CallGuard } from "./call-guard.ts";
import { ActiveCalls } from "./active-calls.ts";
import { Forking } from "./forking.ts";
import { StatelessForwarding } from "./stateless-forwarding.ts";
import { UnansweredRequests } from "./unanswered-requests.ts";
import { PushNotifications } from "./push-notifications.ts";
import { Routing } from "./routing.ts";
import { ThirdPartyCalls } from "./third-party-calls.ts";
import { TakenOverDialogs } from "./taken-over-dialogs.ts";
import { type Side, type ThirdPartyCall, ThirdPartyRequests } from "./third-party-requests.ts";
import { byeOf } from "./transfer-rows.ts";
import { TransferredCalls } from "./transferred-calls.ts";
import { TimedCalls } from "./timed-calls.ts";
import { Terminating } from "./terminating.ts";
import type { LocalUserAgent } from "./local-user-agent.ts";
import { ListServer } from "./list-server.ts";
import { UndeliveredMessages } from "./undelivered-messages.ts";
import { OriginatingResponses } from "./originating-responses.ts";
import { TryingTimer } from "./trying-timer.ts";
import { Originating } from "./originating.ts";
import { Messages } from "./stored-messages.ts";
import type { Part } from "./part.ts";
import { PendingInvites } from "./pending-invites.ts";
import { PresenceAgent } from "./presence-agent.ts";
import { PresentDialogs } from "./present-dialogs.ts";
import { Connections } from "./connections.ts";
import { Ingress } from "./ingress.ts";
import { Registrar } from "./registrar.ts";
import { type Room } from "./room.ts";
import type { PassOn } from "./pass-on.ts";
import { Referrals } from "./referrals.ts";

/** The parts of a home; each has its own tables, and does not know those of others. */
export interface Parts {
  /** The parts that get the home's events, in this order. */
  readonly ordered: readonly Part[];
  readonly account: Account;
  readonly registrar: Registrar;
  readonly pendingInvites: PendingInvites;
  readonly activeCalls: ActiveCalls;
  readonly forking: Forking;
  readonly terminating: Terminating;
  readonly routing: Routing;
  readonly responses: OriginatingResponses;
  readonly originating: Originating;
  readonly connections: Connections;
  readonly ingress: Ingress;
  readonly presenceAgent: PresenceAgent;
  readonly listServer: ListServer;
  readonly liveCalls: LiveCalls;
  readonly records: CallRecords;
  readonly timedCalls: TimedCalls;
  readonly thirdPartyCalls: ThirdPartyCalls;
  readonly localUserAgents: readonly LocalUserAgent[];
}

/** Makes the parts of a home, without state. @param passOn sends an envelope to a home, also this one */
export function createParts(room: Room, keptTrace: KeptTrace, passOn: PassOn): Parts {
  const account = new Account(room, (which) =>
    registrar.sleeping.end(Date.now(), ({ isByToken }) => which === "all" || isByToken === true),
  );
  const registrar: Registrar = new Registrar(room);
  const undelivered = new UndeliveredMessages(room);
  const waitsFor = (phone: PhoneId, now: number) => registrar.waitsFor(phone, now);
  const waitsForCall = (phone: PhoneId, now: number) => registrar.waitsForCall(phone, now);
  const pushes = new PushNotifications(room, registrar);
  const isLimited = () => !isNonSubscriberHome(room.home.name) && account.rules().maximumCalls !== undefined;
  const activeCalls: ActiveCalls = new ActiveCalls(room, isLimited, waitsFor, passOn, (dialog, now) => records.lost(dialog, now));
  const timedCalls = new TimedCalls(room, passOn);
  const pendingInvites = new PendingInvites(room, passOn);
  const contexts = new Contexts(room);
  const unanswered = new UnansweredRequests(room, contexts);
  const guard = new CallGuard(room, activeCalls, unanswered);
  const presentDialogs = new PresentDialogs(activeCalls, pendingInvites, unanswered);
  const inProgress = {
    has: (callId: string, now: number) => activeCalls.has(callId, now) || thirdPartyCalls.rows.isRestored(callId),
    endOf: (dialog: string) => activeCalls.endOf(dialog),
  };
  const records: CallRecords = new CallRecords(room, contexts, inProgress, passOn);
  const forking = new Forking(room, { contexts, records, unanswered, pushes }, passOn, waitsForCall);
  pushes.whenGone((phone, now) => forking.phoneIsGone(phone, now));
  const routing = new Routing(room, contexts, forking);
  const callsAtPresent = (now: number) =>
    unanswered.ringing().length +
    pendingInvites.pending().length +
    activeCalls.count(now) +
    activeCalls.ending(now) +
    thirdPartyCalls.rows.uncounted((callId) => activeCalls.has(callId, now)) +
    transfers.all().length;
  const messages = new Messages(room);
  const presence = new PresenceAgent(room, account, { registrar, activeCalls, pendingInvites, unanswered, messages }, passOn);
  const lists = new ListServer(room, account, forking, passOn);
  const restoredIsOver = (call: ThirdPartyCall, sender: Side, by: EndedBy | undefined, now: number) => {
    const bye = byeOf(call, sender);
    if (bye !== undefined) records.ended(bye, by, now);
  };
  const thirdPartyCalls: ThirdPartyCalls = new ThirdPartyCalls(room, account, { forking, restoredIsOver }, passOn);
  const transfers: TransferredCalls = new TransferredCalls(
    room,
    account,
    { forking, connected: thirdPartyCalls, activeCalls, records },
    passOn,
  );
  const localUserAgents = [presence, lists, thirdPartyCalls, transfers];
  const stateless = new StatelessForwarding(
    room,
    { account, guard, registrar, undelivered, activeCalls, timedCalls, records, localUserAgents },
    passOn,
  );
  const terminating = new Terminating(room, {
    account,
    guard,
    referrals: new Referrals(room, new ThirdPartyRequests(room, account, passOn), passOn),
    registrar,
    forking,
    unanswered,
    stateless,
    activeCalls,
    messages,
    presence,
    pushes,
    callsAtPresent,
  });
  const tryingTimers = new TryingTimer();
  const responses = new OriginatingResponses(room, {
    undelivered,
    activeCalls,
    records,
    pendingInvites,
    forking,
    tryingTimers,
    timedCalls,
  });
  const takenOver = new TakenOverDialogs(room, localUserAgents, transfers);
  const originating = new Originating(
    room,
    {
      account,
      pendingInvites,
      presentDialogs,
      undelivered,
      activeCalls,
      records,
      lists,
      callsAtPresent,
      forking,
      responses,
      tryingTimers,
      timedCalls,
      takenOver,
    },
    passOn,
  );
  const phones = { activeCalls, originating, responses, terminating, forking, pendingInvites, presentDialogs, undelivered };
  const connections: Connections = new Connections(room, account, phones, () => ordered);
  const ingress = new Ingress(room, connections, account, registrar, phones);
  const ordered: readonly Part[] = [
    // First, because the others need to know until when a phone is waited for.
    registrar,
    activeCalls,
    timedCalls,
    responses,
    pendingInvites,
    // Waiting messages go to a phone before ringing calls.
    terminating,
    pushes,
    routing,
    forking,
    records,
    presence,
    lists,
    thirdPartyCalls,
    transfers,
    room.failed,
    keptTrace,
    connections,
  ];
  const liveCalls = new LiveCalls(
    room,
    { activeCalls, pendingInvites, forking, unanswered, registrar, thirdPartyCalls, transfers },
    passOn,
  );
  return {
    account,
    registrar,
    routing,
    presenceAgent: presence,
    listServer: lists,
    localUserAgents,
    liveCalls,
    records,
    timedCalls,
    thirdPartyCalls,
    ...phones,
    connections,
    ingress,
    ordered,
  };
}
