import type { Context } from "hono";
import { randomText } from "../../platform/crypto/random.ts";
import { AuditStore, auditId } from "../../platform/directory/audit-store.ts";
import { TokenBucket } from "../../platform/token-bucket.ts";
import { type ApiEnvironment, type KnownActor, auditedActor } from "./actor.ts";
import { pathInApi } from "./path.ts";
import type { OperationId } from "./scopes.ts";

/** Characters of a path, and of a name in it. */
const maxTarget = 512;
const maxDomain = 253;
/** Refusals of one actor that an isolate notes: at once, and a second after that. */
const [maxRefusals, refusalsEachSecond] = [60, 1];
const actorsKept = 1000;

const refusals = new Map<string, TokenBucket>();

/** Entries of this isolate, so that those of one millisecond are listed in their order. */
let count = 0;

interface Change {
  readonly actor: KnownActor;
  readonly action: OperationId;
  /** That of the path; undefined if it has none. */
  readonly domain: string | undefined;
  readonly status: number;
}

/** Notes a change after the answer; the answer neither waits for it nor fails with it. */
export function noteChange(context: Context<ApiEnvironment>, { actor, action, domain, status }: Change): void {
  const at = Date.now();
  count += 1;
  const target = pathInApi(new URL(context.res.headers.get("Location") ?? context.req.url, context.req.url).href).slice(0, maxTarget);
  const entry = {
    id: auditId(at, count, randomText()),
    at,
    domain: domainOf(actor, domain),
    actor: auditedActor(actor),
    action,
    target,
    status,
  };
  context.executionCtx.waitUntil(
    new AuditStore(context.env.DIRECTORY)
      .insert(entry)
      .catch((error: unknown) =>
        console.error(JSON.stringify({ note: "the audit log could not be written", entry, error: String(error) })),
      ),
  );
}

/** Notes a change that was refused, unless too many of this actor are. */
export function noteRefusal(context: Context<ApiEnvironment>, change: Change): void {
  if (refusalsOf(change.actor).take(Date.now())) noteChange(context, change);
}

/** What a key of one domain tries elsewhere is noted in its own domain: that of others learns nothing of it. */
function domainOf(actor: KnownActor, domain: string | undefined): string | undefined {
  return (actor.kind === "key" ? actor.key.domain : undefined) ?? domain?.slice(0, maxDomain);
}

function refusalsOf(actor: KnownActor): TokenBucket {
  const name = actor.kind === "key" ? actor.key.id : actor.kind === "subscriber" ? actor.name : "";
  const bucket = refusals.get(name) ?? new TokenBucket(maxRefusals, refusalsEachSecond);
  refusals.delete(name);
  refusals.set(name, bucket);
  const [oldest] = refusals.keys();
  if (refusals.size > actorsKept && oldest !== undefined) refusals.delete(oldest);
  return bucket;
}
