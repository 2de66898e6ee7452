import type { PushProvider } from "../push/push-device.ts";

/** A binding as the API returns it. */
export interface BindingView {
  /** Derived from its key; it stays the same over refreshes. */
  readonly id: string;
  readonly contact: string;
  readonly instance: string | undefined;
  readonly regId: number | undefined;
  /** 0 to 1. */
  readonly q: number;
  /** Seconds that are left. */
  readonly expires: number;
  /** Whether a request can be delivered there now; a phone that is briefly away is not reachable. */
  readonly reachable: boolean;
  readonly path: readonly string[];
  /** The service that wakes it, if there is one. */
  readonly push: PushProvider | undefined;
}

/** A registration by an administrator: calls also go to this address (RFC 3261 §10.2). */
export interface StaticContact {
  readonly contact: string;
  /** Seconds. */
  readonly expires: number;
  /** 0 to 1. */
  readonly q: number;
}
