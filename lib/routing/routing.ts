/**
 * The types of a router: a program of yours that decides where the calls of a domain go (docs/routing.md). This file needs no other one, so
 * that it can be copied. A Worker offers `route(call: IncomingCall): Decision`, which may be asynchronous.
 */

/** A call that has just come, and rings nowhere yet. */
export interface IncomingCall {
  /** The id of its later record. */
  readonly id: string;
  /** The Call-ID. */
  readonly call_id: string;
  /** The domain that is called. */
  readonly domain: string;
  /** The values of From and To. */
  readonly from: string;
  readonly to: string;
  /**
   * The user or the number that is called, as in a URI: other characters than those of a user part are escaped (`j%C3%BCrgen`). It has at most
   * 128 characters, and `to`, `number` and `from` of a decision take it as it is.
   */
  readonly dialled: string;
  /** The address of record of the user who calls (`alice@example.com`), of this or another domain of the server; null for others. */
  readonly caller: string | null;
  /** Only a `user` is of the called domain: `other_domain` is a user of another domain of the same server. */
  readonly caller_kind: "user" | "other_domain" | "guest" | "peer" | "trunk";
  /** The trunk that it came by. */
  readonly trunk: string | null;
  /**
   * Whether the caller's number was verified (`passed`), has a wrong signature (`failed`) or none (`none`); null if the trunk does not verify, or
   * if the call came by none. The letter says how far the signer vouches for it.
   */
  readonly verification: { readonly result: "passed" | "failed" | "none"; readonly attestation: "A" | "B" | "C" | null } | null;
  readonly user_agent: string | null;
  /** User-to-User, and headers that begin with X-; their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** When it came (RFC 3339). */
  readonly time: string;
  /** There is no call: an administrator tests the router. */
  readonly is_test: boolean;
}

/** What is to ring. */
export type RouterTarget = RingTimes &
  TrunkPermission &
  (
    | {
        /** A user of the domain, or a number; never a URI: what has a meaning in one is escaped. */
        readonly to: string;
        /** The trunk of the domain that it is reached by; then `to` is a number there. */
        readonly trunk?: string | undefined;
        readonly uri?: undefined;
      }
    | {
        /** A SIP or TEL URI. Never put a text of the caller into it. */
        readonly uri: string;
        readonly to?: undefined;
        readonly trunk?: undefined;
      }
  );

interface TrunkPermission {
  /**
   * Whether a trunk of the domain may be used for every caller. Absent or false: only if the caller is a user of the domain; a target that
   * would go by a trunk is refused for others.
   */
  readonly any_caller?: boolean | undefined;
}

interface RingTimes {
  /** Seconds until it rings; absent: at once. It rings earlier if all that rang before it has refused. */
  readonly after?: number | undefined;
  /** Seconds after which it stops ringing; absent: it rings to the end. */
  readonly seconds?: number | undefined;
}

/** Where the call goes. */
export type Decision =
  /** As without a router: by the routes of the domain, to the user, or to a trunk. */
  | (Headers & { readonly action: "continue" })
  | (Headers & { readonly action: "ring"; readonly targets: readonly RouterTarget[] })
  /** To a number at a trunk of the domain. `from` is the number or user that a trusted trunk gets as the caller. */
  | (Headers &
      TrunkPermission & { readonly action: "trunk"; readonly trunk: string; readonly number: string; readonly from?: string | undefined })
  /** The caller gets 302 with these URIs, the best one first. */
  | { readonly action: "redirect"; readonly uris: readonly string[] }
  /** Not with 401, 407 or 503, which ask for credentials, or say that the server is out of order. */
  | { readonly action: "reject"; readonly status: number; readonly reason?: string | undefined };

interface Headers {
  /** Added to the request: User-to-User, Alert-Info, Call-Info, and those that begin with X-. They replace headers of the same name. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}
