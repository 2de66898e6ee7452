import type { IceServer } from "../../lib/ice/ice-server.ts";

/** The servers that a user's phone uses. */
export interface IceAnswer {
  readonly kind: "servers";
  readonly servers: readonly IceServer[];
  /** Seconds for which they are valid. */
  readonly ttl: number;
}

/** There are servers, but they are not to be had now; `why` is for the log. */
export interface IceUnavailable {
  readonly kind: "unavailable";
  readonly why: string;
}
