import { type Fault, fault } from "../syntax/fault.ts";
import { canonicalNumber } from "../syntax/telephone-number.ts";

/** What a token may be for: to register and be called; to call and write; to watch others. */
export const tokenScopes = ["register", "call", "watch"] as const;
export type TokenScope = (typeof tokenScopes)[number];

/** The limits of a token of this server, as the connection that it has opened remembers them. What is absent is not limited. */
export interface TokenLimits {
  /** Names the token where its uses are counted. */
  readonly id: string;
  readonly scope?: readonly TokenScope[];
  /** Whom its user may call and write to: `bob@example.com`, or the beginning of a number with an asterisk, `+4930*@example.com`. */
  readonly targets?: readonly string[];
  /** How many calls may begin with it, in all. */
  readonly maximumCalls?: number;
  /** Seconds after which each call that began with it is ended. */
  readonly maximumSeconds?: number;
  /** One connection at a time, from the client address that has used it first. */
  readonly isSingleUse?: true;
}

/** The scope that a request outside a dialog needs, if it is not that of calls. */
const scopeOf: Readonly<Record<string, TokenScope | undefined>> = {
  REGISTER: "register",
  PUBLISH: "register",
  SUBSCRIBE: "watch",
};

/** Whether a request needs another scope than that of calls, also within a call. */
export function hasOwnScope(method: string): boolean {
  return scopeOf[method] !== undefined;
}

/** Refuses a request outside a dialog that the scope of a token does not contain. */
export function refuseScope({ scope }: Pick<TokenLimits, "scope">, method: string): Fault | undefined {
  if (scope === undefined) return undefined;
  const needed = scopeOf[method] ?? "call";
  return scope.includes(needed) ? undefined : fault(403, `the token of this connection has no scope "${needed}"`);
}

/** Refuses a call or message to an address that is not among the targets of a token. */
export function refuseTarget({ targets }: Pick<TokenLimits, "targets">, method: string, to: DialledAddress): Fault | undefined {
  if (targets === undefined || (scopeOf[method] ?? "call") !== "call") return undefined;
  return targets.some((target) => isTarget(target, to)) ? undefined : fault(403, "the token of this connection is not for this address");
}

/** As it is dialled, in canonical spelling. */
interface DialledAddress {
  readonly user: string;
  readonly domain: string;
}

function isTarget(target: string, { user, domain }: DialledAddress): boolean {
  const at = target.lastIndexOf("@");
  const [name, host] = [target.slice(0, at), target.slice(at + 1)];
  if (host !== domain) return false;
  const number = canonicalNumber(user);
  return name.endsWith("*") ? number?.startsWith(name.slice(0, -1)) === true : name === user || name === number;
}
