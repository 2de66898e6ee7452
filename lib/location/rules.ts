import type { WatcherRules } from "./watcher-rules.ts";

/** What a subscriber wants done with calls for him, and who may watch him. URIs are SIP or tel URIs, as text. */
export interface Rules {
  readonly forward: {
    readonly always?: string;
    readonly busy?: string;
    /** `after` is in seconds. */
    readonly noAnswer?: { readonly to: string; readonly after: number };
    readonly notRegistered?: string;
  };
  readonly doNotDisturb: boolean;
  /** `user@domain`, `*@domain`, or `anonymous`; lower case domain, canonical user part. */
  readonly blocked: readonly string[];
  /** Calls at once, ringing or in progress, either direction; undefined: any number. */
  readonly maximumCalls?: number;
  /** Who may watch him; absent: whoever the defaults let. */
  readonly watching?: WatcherRules;
}

export const noRules: Rules = { forward: {}, doNotDisturb: false, blocked: [] };
