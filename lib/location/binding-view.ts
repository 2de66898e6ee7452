/** A binding as an administrator sees it. */
export interface BindingView {
  /** Made of its key; it stays the same over refreshes. */
  readonly id: string;
  readonly contact: string;
  readonly instance: string | undefined;
  readonly regId: number | undefined;
  /** 0 to 1. */
  readonly q: number;
  /** Seconds that are left. */
  readonly expires: number;
  /** Whether a request can be delivered there now; a phone that is away for a moment cannot be reached. */
  readonly reachable: boolean;
  readonly path: readonly string[];
}

/** A registration by an administrator: calls also go to this address (RFC 3261 §10.2). */
export interface StaticContact {
  readonly contact: string;
  /** Seconds. */
  readonly expires: number;
  /** 0 to 1. */
  readonly q: number;
}
