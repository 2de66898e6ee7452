import type { MiddlewareHandler } from "hono";
import { type ApiEnvironment, refuseOperation } from "./actor.ts";
import { noteChange, noteRefusal } from "./audit-log.ts";
import { checkPreconditions } from "./preconditions.ts";
import { type OperationId, isAudited } from "./scopes.ts";

/**
 * What stands before each operation: it refuses (403) those who may not perform it, and notes changes in the audit log. As a part of the
 * operation itself, because its path and domain are then exactly those that the operation works on, however they were written.
 */
export function accessTo(operation: OperationId): MiddlewareHandler<ApiEnvironment> {
  return async (context, next) => {
    const actor = context.get("actor");
    const own = actor.kind === "subscriber" ? actor.identity?.domain : undefined;
    const domain = context.req.param("domain")?.toLowerCase() ?? own;
    const change = actor.kind !== "anyone" && isAudited(operation, context.req.method) ? { actor, action: operation, domain } : undefined;
    const refusal = refuseOperation(actor, operation, domain);
    if (refusal !== undefined) {
      if (change !== undefined) noteRefusal(context, { ...change, status: refusal.status });
      throw refusal;
    }
    await checkPreconditions(context);
    await next();
    const { status } = context.res;
    if (change === undefined) return;
    // An operation that failed here may have changed something.
    if (status < 400 || status >= 500 || context.get("isPartlyDone") === true) noteChange(context, { ...change, status });
    else if (status === 403) noteRefusal(context, { ...change, status });
  };
}
