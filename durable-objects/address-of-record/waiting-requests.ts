import type { HomeName } from "../../lib/transport/identifiers.ts";
import { addressOfGuest, isGuestHome, networkOfGuest } from "../../lib/transport/non-subscriber.ts";

/** A request that waits for an answer: its caller, and the characters of its row. */
export interface WaitingRequest {
  readonly home: HomeName;
  readonly size: number;
}

/** Maximum number, and characters of the rows. */
interface Limit {
  readonly count: number;
  readonly size: number;
}

/**
 * The requests of others that wait at a user, the user's own, those of one caller, and those of the guests of one network and of one client
 * address. All guests together are one caller.
 */
const limits = {
  all: { count: 1000, size: 8_388_608 },
  own: { count: 200, size: 2_097_152 },
  caller: { count: 100, size: 1_048_576 },
  network: { count: 30, size: 393_216 },
  address: { count: 10, size: 131_072 },
} as const satisfies Record<string, Limit>;

/**
 * Whether another request may wait for an answer: all waiting ones are read when the object wakes up, and calls go to each phone that
 * registers. The user's own have room of their own: others must not keep the user from calling.
 */
export function hasRoomFor(request: WaitingRequest, waiting: readonly WaitingRequest[], own: HomeName): boolean {
  const isOwn = ({ home }: WaitingRequest) => home === own;
  if (isOwn(request)) return isWithin(limits.own, request, waiting.filter(isOwn));
  const others = waiting.filter((one) => !isOwn(one));
  if (!isWithin(limits.all, request, others)) return false;
  const ofCaller = others.filter(({ home }) => callerAt(home) === callerAt(request.home));
  if (!isWithin(limits.caller, request, ofCaller)) return false;
  if (!isGuestHome(request.home)) return true;
  const alike = (markOf: typeof addressOfGuest) => ofCaller.filter(({ home }) => markOf(home) === markOf(request.home));
  return isWithin(limits.network, request, alike(networkOfGuest)) && isWithin(limits.address, request, alike(addressOfGuest));
}

function isWithin({ count, size }: Limit, request: WaitingRequest, waiting: readonly WaitingRequest[]): boolean {
  return waiting.length < count && waiting.reduce((sum, one) => sum + one.size, request.size) <= size;
}

function callerAt(home: HomeName): string {
  return isGuestHome(home) ? "guests" : home;
}
