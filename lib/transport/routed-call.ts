import type { RouterFallback } from "../location/router.ts";

/** Characters of a called user or number that a router is asked about; a call to a longer one is refused. */
export const maxDialled = 128;

/** A call that the router of a domain decides on: what the asking home has to know, also to let the call go on without a decision. */
export interface RoutedCall {
  /** The user or the number that is called. */
  readonly dialled: string;
  /** The number as the trunk wrote it; absent if that is the same. */
  readonly written?: string;
  /** Who calls: the user, guest or peer. For a call of a trunk only the domain counts. */
  readonly by: { readonly user: string; readonly domain: string };
  /** The caller, as routes know it: `name@domain`. */
  readonly caller: string;
  readonly isNonSubscriber?: true;
  /** The name of the trunk that it came by. */
  readonly trunk?: string;
  /** Milliseconds that the router has for its decision. */
  readonly timeout: number;
  readonly fallback: RouterFallback;
}

/** The question to the router, as the row of a response context has it. */
export interface RouterQuestion extends RoutedCall {
  /** Milliseconds: when the call goes on without a decision; or, if that is made, when its target is looked for again. */
  readonly until: number;
  /** It is decided that the call goes on as without a router; its target is not known yet. */
  readonly isDecided?: true;
  /** The router has made a decision that is not valid: the call goes to a user of ours, or nowhere. */
  readonly isOnlyForUsers?: true;
}
