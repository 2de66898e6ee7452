import { includesScope } from "../../lib/authentication/scope.ts";
import type { AuditedActor } from "../../platform/directory/audit-store.ts";
import type { ApiKey } from "../../platform/directory/key-store.ts";
import type { Environment } from "../../platform/environment.ts";
import { Problem } from "./problem.ts";
import { type OperationId, neededScopes, publicOperations, subscriberOperations } from "./scopes.ts";

/** A user who has shown who they are, on a path that does not name the user. */
export interface Identity {
  /** Without escapes. */
  readonly user: string;
  /** In lower case. */
  readonly domain: string;
}

/** Who sends a request to the API, as the credentials say. */
export type Actor =
  | { readonly kind: "administrator" }
  | { readonly kind: "key"; readonly key: ApiKey }
  /** A page without credentials, at a path that is for all. */
  | { readonly kind: "anyone" }
  /** `name` is the address of record. A subscriber was admitted to a path of their own, or to one of all users: then with `identity`. */
  | { readonly kind: "subscriber"; readonly name: string; readonly identity?: Identity };

/** One who has shown who they are. */
export type KnownActor = Exclude<Actor, { readonly kind: "anyone" }>;

/** The environment of the API, for Hono: the Worker's, who sends the request, and what became of it. */
export interface ApiEnvironment {
  Bindings: Environment;
  Variables: {
    actor: Actor;
    /** Performs a GET of the same path for the same sender. */
    readPresent: () => Promise<Response>;
    /** Set by an operation that was refused after it had changed something. */
    isPartlyDone?: true;
  };
}

/**
 * Why an actor may not perform an operation: 403; undefined if they may. The answer is the same whether the domain exists or not.
 * @param domain that of the path, in lower case; undefined if the path has none
 */
export function refuseOperation(actor: Actor, operation: OperationId, domain: string | undefined): Problem | undefined {
  if (actor.kind === "administrator") return undefined;
  if (actor.kind === "anyone")
    return publicOperations.has(operation) ? undefined : new Problem(401, "the bearer token is missing", { "WWW-Authenticate": "Bearer" });
  if (actor.kind === "subscriber")
    return subscriberOperations.has(operation) ? undefined : new Problem(403, "the password of a user is not enough for this");
  const { key } = actor;
  if (key.domain !== undefined && key.domain !== domain) return new Problem(403, `this key is for paths of the domain ${key.domain} only`);
  const needed = neededScopes[operation];
  if (includesScope(key.scope, needed)) return undefined;
  return new Problem(403, `this needs a key with the scope ${needed}: that of this key is ${key.scope}`);
}

/**
 * Why an actor may not let a peer or a trunk assert identities: it may assert those of all domains, so a key of one domain may not.
 * @param isKept it may already, by the word of another administrator, and it is still the same server with the same credentials
 */
export function refuseTrust(actor: Actor, wanted: boolean, isKept: boolean): Problem | undefined {
  if (!wanted || isKept || actor.kind !== "key" || actor.key.domain === undefined) return undefined;
  return new Problem(
    403,
    "trusted: a key for one domain may not set this, because it concerns the users of all domains, nor keep it for another server",
  );
}

/** Why an actor may not name a Worker as a router: those of all domains are bound to one deployment. */
export function refuseBinding(actor: Actor): Problem | undefined {
  if (actor.kind !== "key" || actor.key.domain === undefined) return undefined;
  return new Problem(403, "kind: a key for one domain may not set service, because the bindings belong to all domains");
}

/**
 * Why an actor may not send calls into a private network, or to other servers there: it belongs to the whole deployment.
 * @param isKept they go nowhere else than another administrator has said
 */
export function refuseNetwork(actor: Actor, isKept: boolean): Problem | undefined {
  if (isKept || actor.kind !== "key" || actor.key.domain === undefined) return undefined;
  return new Problem(403, "network: a key for one domain may not set this, nor other servers in it, because it belongs to all domains");
}

/** An actor as the audit log has it. */
export function auditedActor(actor: KnownActor): AuditedActor {
  if (actor.kind === "key") return { kind: "key", id: actor.key.id, name: actor.key.name };
  return actor.kind === "subscriber" ? { kind: "subscriber", name: actor.name } : actor;
}
