import { parseDeltaSeconds } from "../syntax/integers.ts";

/** The subscription state in a notification. */
export interface SubscriptionState {
  /** As written: `active`, `pending`, `terminated`, or another token. */
  readonly state: string;
  /** Seconds; undefined if absent. */
  readonly expires: number | undefined;
}

/** Reads a Subscription-State (RFC 6665 §8.2.3). Malformed parameters count as absent. */
export function readSubscriptionState(text: string): SubscriptionState {
  const [state = "", ...parameters] = text.split(";");
  const expires = parameters.map((one) => one.split("=")).find(([name = ""]) => name.trim().toLowerCase() === "expires");
  return { state: state.trim(), expires: parseDeltaSeconds(expires?.[1]?.trim()) };
}
