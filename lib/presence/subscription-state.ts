import { parseDeltaSeconds } from "../syntax/integers.ts";

/** What a notification says of its subscription. */
export interface SubscriptionState {
  /** As written: `active`, `pending`, `terminated`, or another token. */
  readonly state: string;
  /** Seconds; undefined if it does not say. */
  readonly expires: number | undefined;
}

/** Reads a Subscription-State (RFC 6665 §8.2.3). What is malformed in it counts as not said. */
export function readSubscriptionState(text: string): SubscriptionState {
  const [state = "", ...parameters] = text.split(";");
  const expires = parameters.map((one) => one.split("=")).find(([name = ""]) => name.trim().toLowerCase() === "expires");
  return { state: state.trim(), expires: parseDeltaSeconds(expires?.[1]?.trim()) };
}
