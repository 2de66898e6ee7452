/** The program that decides where the calls of a domain go (docs/routing.md), as the domain's row has it. */
export type Router = (HttpRouter | ServiceRouter) & RouterLimits;

/** A URL that gets a signed request for each call. */
export interface HttpRouter {
  readonly kind: "http";
  readonly url: string;
  /** The secret of the signatures, sealed. */
  readonly secret: string;
}

/** A Worker that is bound to ours. */
export interface ServiceRouter {
  readonly kind: "service";
  /** The name of the binding. */
  readonly binding: string;
}

export interface RouterLimits {
  /** Milliseconds that it has for its decision. */
  readonly timeout: number;
  /** What becomes of a call without its decision: it goes as without a router, or is refused. */
  readonly fallback: RouterFallback;
}

export type RouterFallback = "continue" | "reject";

/** No other binding may be called: others lead to the directory, to homes, and to what else an operator has bound. */
export function isRouterBinding(name: string): boolean {
  return /^ROUTER[A-Z0-9_]{0,57}$/.test(name);
}
