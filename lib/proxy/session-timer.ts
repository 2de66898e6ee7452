import type { Alterations } from "../syntax/alter.ts";
import { type Fault, fault } from "../syntax/fault.ts";
import { parseDeltaSeconds } from "../syntax/integers.ts";
import { type Request, type Response, hasHeader, headerValue } from "../syntax/message.ts";
import { readOptionTags } from "../syntax/option-tags.ts";

/** The operator's settings for sessions; seconds, 0 turns one off. */
export interface SessionTimerPolicy {
  /** The shortest session interval: a shorter one would be refreshed too often. */
  readonly minimum: number;
  /** The interval to ask for if the caller asks for none. */
  readonly wanted: number;
}

type Changes = Pick<Alterations, "remove" | "push">;

/** Applies the policy to an INVITE or UPDATE as a proxy does (RFC 4028 §8.1). Returns a 422, or what to change; undefined for nothing. */
export function applySessionTimer(request: Request, policy: SessionTimerPolicy): Changes | Fault | undefined {
  if ((policy.minimum === 0 && policy.wanted === 0) || !["INVITE", "UPDATE"].includes(request.method)) return undefined;
  const asked = intervalOf(request, "session-expires");
  const least = intervalOf(request, "min-se") ?? 0;
  if (asked === undefined) {
    if (policy.wanted === 0) return undefined;
    return { push: [["Session-Expires", String(Math.max(policy.wanted, policy.minimum, least))]] };
  }
  if (asked >= policy.minimum) return undefined;
  if (readOptionTags(request, "supported").includes("timer")) {
    return fault(422, `the session interval must be at least ${policy.minimum} seconds`, [["Min-SE", String(policy.minimum)]]);
  }
  // A caller that does not support the extension would not understand a 422: the interval is raised for it.
  return {
    remove: ["session-expires", "min-se"],
    push: [
      ["Session-Expires", String(policy.minimum)],
      ["Min-SE", String(policy.minimum)],
    ],
  };
}

/** RFC 4028 §8.2: if the callee does not support the extension, the caller refreshes, if it supports it. */
export function answerSessionTimer(request: Request, response: Response): Changes | undefined {
  const interval = headerValue(request, "session-expires");
  if (interval === undefined || response.status < 200 || response.status >= 300 || hasHeader(response, "session-expires")) return undefined;
  if (!readOptionTags(request, "supported").includes("timer")) return undefined;
  const [seconds] = interval.split(";");
  return {
    push: [
      ["Session-Expires", `${seconds};refresher=uac`],
      ["Require", "timer"],
    ],
  };
}

/** Seconds; a malformed value counts as absent. */
function intervalOf(request: Request, name: "session-expires" | "min-se"): number | undefined {
  return parseDeltaSeconds(headerValue(request, name)?.split(";")[0]?.trim());
}
