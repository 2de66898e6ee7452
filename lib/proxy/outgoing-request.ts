import { markOf } from "./loop-detection.ts";
import type { HomeName, PhoneId } from "../transport/identifiers.ts";
import type { Keyring } from "../authentication/keyring.ts";
import type { DialogEnd, RequestEnvelope } from "../transport/envelope.ts";
import { alter } from "../syntax/alter.ts";
import { serialiseDate } from "../syntax/date.ts";
import type { MandatoryHeaders } from "../syntax/mandatory-headers.ts";
import { type Request, hasHeader, headerValue } from "../syntax/message.ts";
import { type Fault, fault, isFault } from "../syntax/fault.ts";
import { parseUri } from "../syntax/uri.ts";
import { isHopName } from "../routing/hop-name.ts";
import { historyOf } from "./history.ts";
import { nextRoute } from "./next-route.ts";
import { statefulBranch, statelessBranch, storedBranch, transactionIn } from "./branch.ts";
import type { ForkedBranch, ResponseContext } from "./response-context/context.ts";
import { isByDomain } from "./response-context/target-set.ts";
import { type DialogRoute, calledMark, dialledMark, recordRoute } from "./route-token.ts";

/** The home that forwards: its phones get the requests. */
export interface Forwarder {
  readonly keyring: Keyring;
  readonly home: HomeName;
  /** The home's hint by the present key. */
  readonly hint: string;
  /** Its hints by all keys. */
  readonly hints: readonly string[];
}

const initialMaxForwards = 70;
const maxRetargets = 10;

/** Methods that create a dialog, and so get our Record-Route (RFC 3261 §16.6 step 4; RFC 6665, RFC 3515). */
const dialogMethods = ["INVITE", "SUBSCRIBE", "REFER", "NOTIFY"];

/** Whether a request of this method outside a dialog creates one. */
export function makesDialogs(method: string): boolean {
  return dialogMethods.includes(method);
}

/** The request of one branch as it is sent (RFC 3261 §16.6 steps 2 to 8). Equal each time it is made. */
export function branchRequest(
  by: Forwarder,
  request: Request,
  mandatory: MandatoryHeaders,
  context: ResponseContext,
  branch: ForkedBranch,
): string {
  const value = statefulBranch(context.hint ?? by.hint, context.transaction, branch.index, markOf(request, mandatory));
  const { routes, ...way } = nextRoute(request, branch.contact, branch.path);
  return alter(request, {
    ...way,
    push: [
      ["Via", viaValue(branch.host, value)],
      ...ownRecordRoute(by, request, mandatory, context.search?.caller ?? context.answerTo, branch.phone, branch.host),
      ...routes,
    ],
  });
}

/**
 * The request as the home of another address gets it: it counts as a hop, and names the address that it was for before.
 * @param by the address of record that forwards it
 * @param breadth how many branches it may have there
 */
export function retargetedRequest(
  by: string,
  request: Request,
  { search, branches }: ResponseContext,
  branch: ForkedBranch,
  breadth: number,
): string | Fault {
  const written = headerValue(request, "max-forwards");
  const left = written === undefined ? initialMaxForwards : Number(written) - 1;
  // RFC 5393 §5.1: Max-Forwards ends a request that spirals without end.
  if (left < 0 || (search?.forwardingTrail.length ?? 0) >= maxRetargets) return fault(483, "the request was forwarded too often");
  // RFC 5393 §5.3.3: into how many branches this one may be forked.
  const limited = { requestUri: branch.contact, remove: ["max-breadth"] };
  const maxBreadth = ["Max-Breadth", String(breadth)] as const;
  if (branch.retarget !== undefined && isByDomain(branch.retarget)) return alter(request, { ...limited, append: [maxBreadth] });
  const count = branches.filter(({ index, retarget }) => retarget !== undefined && index <= branch.index).length;
  const history = historyOf(request, { cause: "unknown", ...branch.retarget, from: by, to: branch.contact, count });
  return alter(request, { ...limited, maxForwards: left, push: history.push, append: [maxBreadth, ...history.append] });
}

/** The target of a request that leaves no state. */
export interface StatelessTarget {
  readonly phone: PhoneId;
  /** Our name in the Via. */
  readonly host: string;
  /** The transport there, WSS if absent. Over the others the other side returns the address that it sees (RFC 3581). */
  readonly transport?: "TCP" | "TLS" | "WS" | "WSS";
  /** Replaces the Request-URI; undefined leaves it as it is. */
  readonly contact: string | undefined;
  readonly path: readonly string[];
}

export interface StatelessRequest {
  readonly text: string;
  /** The branch of our Via. */
  readonly branch: string;
}

/** A request forwarded without state (RFC 3261 §16.11): the return address is sealed in the branch. */
export function statelessRequest(
  by: Forwarder,
  envelope: RequestEnvelope,
  request: Request,
  mandatory: MandatoryHeaders,
  target: StatelessTarget,
): StatelessRequest {
  const { answerTo, to } = envelope;
  const of = transactionIn(mandatory);
  const branch = statelessBranch(by.keyring, by.hint, envelope, of, markOf(request, mandatory));
  const recorded: readonly (readonly [string, string])[] =
    to.kind !== "phone"
      ? ownRecordRoute(by, request, mandatory, envelope.caller ?? answerTo, target.phone, whereAt(target))
      : envelope.recordRoute === undefined
        ? []
        : [["Record-Route", envelope.recordRoute]];
  const { routes, ...way } = nextRoute(request, target.contact, target.path);
  const text = alter(request, { ...way, push: [["Via", viaValue(target.host, branch, target.transport)], ...recorded, ...routes] });
  return { text, branch };
}

export interface StoredTarget extends Pick<StatelessTarget, "host" | "path"> {
  /** The number of the message, and milliseconds when it was sent. */
  readonly number: number;
  readonly at: number;
  readonly contact: string;
}

/** A stored message as a phone gets it: with the Date when it was sent (RFC 3261 §20.17), and the same branch each time. */
export function storedRequest(by: Forwarder, request: Request, mandatory: MandatoryHeaders, target: StoredTarget): string {
  const { number, at, contact, host, path } = target;
  const of = transactionIn(mandatory);
  const branch = storedBranch(by.keyring, by.hint, number, of, markOf(request, mandatory));
  const date: [string, string][] = hasHeader(request, "date") ? [] : [["Date", serialiseDate(at)]];
  const { routes, ...way } = nextRoute(request, contact, path);
  return alter(request, { ...way, push: [["Via", viaValue(host, branch)], ...date, ...routes] });
}

/**
 * DEVIATION(RFC 3261 §18.2.1): `received` is not added to the Via below ours. On a WebSocket nothing is routed by it (RFC 7118 §5.2), and
 * it would reveal the caller's address to every callee.
 */
function viaValue(host: string, branch: string, transport?: StatelessTarget["transport"]): string {
  return `SIP/2.0/${transport ?? "WSS"} ${host};branch=${branch}${viaMarks(transport)}`;
}

/**
 * Parameters of our Via on a connection that we opened: the other side is asked to return our address (RFC 3581 §3), and over TCP to use
 * the connection in both directions (RFC 5923 §8.1). Over TLS that needs a client certificate (§9.2), which the platform does not offer.
 */
export function viaMarks(transport: StatelessTarget["transport"]): string {
  if (transport === "TCP") return ";rport;alias";
  return transport === "TLS" ? ";rport" : "";
}

/** RFC 5658 aside, one Record-Route is enough: the phone comes back on its own flow, whatever the header contains. */
function whereAt({ host, transport }: StatelessTarget): string {
  // RFC 7118 §5.2: there is no transport=wss.
  return transport === undefined ? host : `${host};transport=${transport.replace("WSS", "WS").toLowerCase()}`;
}

/** What another server is asked to call. */
function calledAt(home: HomeName, requestUri: string): Pick<DialogRoute, "called"> {
  const uri = isHopName(home) ? parseUri(requestUri) : undefined;
  return uri === undefined || isFault(uri) || uri.kind !== "sip" ? {} : { called: calledMark(uri.user ?? "") };
}

function ownRecordRoute(
  by: Forwarder,
  request: Request,
  mandatory: MandatoryHeaders,
  caller: DialogEnd,
  phone: PhoneId,
  at: string,
): readonly (readonly [string, string])[] {
  const { fromTag: callerTag = "", toTag, callId } = mandatory;
  if (toTag !== undefined || !makesDialogs(request.method)) return [];
  const route = {
    caller: { home: caller.home, phone: caller.phone },
    callee: { home: by.home, phone },
    callerTag,
    dialled: dialledMark(mandatory.to.uri),
    calling: dialledMark(mandatory.from.uri),
    ...calledAt(by.home, request.requestUri),
  };
  const isSecure = request.requestUri.startsWith("sips:");
  return [["Record-Route", recordRoute(by.keyring, route, callId, caller.at ?? at, isSecure)]];
}
