import type { WatcherRules } from "./watcher-rules.ts";

/** A subscriber's rules for calls to them, and for their watchers. URIs are SIP or tel URIs, as text. */
export interface Rules {
  readonly forward: {
    readonly always?: string;
    readonly busy?: string;
    /** `after` is in seconds. */
    readonly noAnswer?: { readonly to: string; readonly after: number };
    readonly notRegistered?: string;
  };
  readonly doNotDisturb: boolean;
  /** `user@domain`, `*@domain`, `anonymous`, or `unverified`; lower case domain, canonical user part. */
  readonly blocked: readonly string[];
  /** Simultaneous calls, ringing or in progress, in both directions; undefined: no limit. */
  readonly maximumCalls?: number;
  /** Rules for watchers; absent: the defaults decide. */
  readonly watching?: WatcherRules;
}

export const noRules: Rules = { forward: {}, doNotDisturb: false, blocked: [] };
