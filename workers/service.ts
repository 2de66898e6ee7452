import { WorkerEntrypoint } from "cloudflare:workers";
import { readConfiguration } from "../platform/configuration.ts";
import type { Environment } from "../platform/environment.ts";
import { api } from "./api/api.ts";

/** A user as applications see it. */
export interface ServiceUser {
  readonly domain: string;
  readonly username: string;
  readonly displayName: string | null;
  readonly aliases: readonly string[];
  readonly opened: boolean;
}

/** A phone that is registered, or another address of a user. */
export interface ServiceBinding {
  readonly id: string;
  readonly contact: string;
  readonly instance: string | null;
  readonly q: number;
  /** Seconds. */
  readonly expires: number;
  readonly reachable: boolean;
}

/** A call at present, at the home of `username`. */
export interface ServiceCall {
  readonly username: string;
  readonly id: string;
  readonly state: "calling" | "ringing" | "answered";
  readonly direction: "outgoing" | "incoming" | null;
  readonly call_id: string | null;
  readonly remote: string | null;
  readonly since: string | null;
}

/** What a method has done; or why not: the status and the detail of the API. */
export type Result<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly status: number; readonly detail: string };

/** What `putUser` changes; what is absent stays. A password of null: none, so that the user signs in by tokens only. */
export interface ServiceUserChange {
  readonly password?: string | null;
  readonly aliases?: readonly string[];
  readonly displayName?: string | null;
}

/** What watchers of a user see (RFC 4480 §3.2). */
export interface ServicePresence {
  readonly open?: boolean;
  readonly activity?: string;
  readonly note?: string;
  /** Seconds. */
  readonly expires?: number;
}

/** A text in the name of a user of the domain, `from`. */
export interface ServiceMessage {
  readonly from: string;
  readonly text: string;
}

/** Limits of a token (docs/sign-in.md). What is absent is not limited. */
export interface ServiceTokenLimits {
  readonly maximum_calls?: number;
  readonly maximum_call_seconds?: number;
  readonly origins?: readonly string[];
  readonly single_use?: boolean;
}

/** What the token of a guest is for; `seconds`: 600 if absent. */
export interface ServiceGuestToken extends ServiceTokenLimits {
  readonly users: readonly string[];
  readonly seconds?: number;
  /** What the called phone is told (User-to-User, RFC 7433). */
  readonly metadata?: string;
}

/** What the token of a user is limited to. */
export interface ServiceUserTokenLimits extends ServiceTokenLimits {
  readonly scope?: readonly ("register" | "call" | "watch")[];
  readonly targets?: readonly string[];
}

interface NewToken {
  readonly token: string;
  /** ISO 8601. */
  readonly expires: string;
}

/**
 * Offhook for other Workers of the same account, by a service binding: no token, no HTTP. It may do everything, as the ADMIN_TOKEN. A
 * refusal is a result, too: the platform would log what is thrown.
 */
export class OffhookService extends WorkerEntrypoint<Environment> {
  /** Makes or changes a user. */
  putUser(domain: string, username: string, change: ServiceUserChange): Promise<Result<ServiceUser>> {
    return this.#ask("PUT", userPath(domain, username), change);
  }

  user(domain: string, username: string): Promise<Result<ServiceUser>> {
    return this.#ask("GET", userPath(domain, username));
  }

  deleteUser(domain: string, username: string): Promise<Result<null>> {
    return this.#ask("DELETE", userPath(domain, username));
  }

  /** A token by which a user signs in for so many seconds. */
  token(domain: string, username: string, seconds = 3600, limits: ServiceUserTokenLimits = {}): Promise<Result<NewToken>> {
    return this.#ask("POST", userPath(domain, username, "tokens"), { seconds, ...limits });
  }

  /** A token by which a guest calls certain users. */
  guestToken(domain: string, guest: ServiceGuestToken): Promise<Result<NewToken>> {
    return this.#ask("POST", pathOf("domains", domain, "guest-tokens"), guest);
  }

  /** Writes to a user: to the user's phones, or it is stored until one of them registers. */
  sendMessage(domain: string, username: string, message: ServiceMessage): Promise<Result<{ readonly state: "sent" | "stored" }>> {
    return this.#ask("POST", userPath(domain, username, "messages"), message);
  }

  revokeTokens(domain: string, username: string): Promise<Result<null>> {
    return this.#ask("DELETE", userPath(domain, username, "tokens"));
  }

  bindings(domain: string, username: string): Promise<Result<{ readonly bindings: readonly ServiceBinding[] }>> {
    return this.#ask("GET", userPath(domain, username, "bindings"));
  }

  publishPresence(domain: string, username: string, presence: ServicePresence): Promise<Result<ServicePresence>> {
    return this.#ask("PUT", userPath(domain, username, "presence"), presence);
  }

  liveCalls(domain: string): Promise<Result<{ readonly calls: readonly ServiceCall[] }>> {
    return this.#ask("GET", pathOf("domains", domain, "live-calls"));
  }

  /** Calls a user, and connects them to a user of the domain, a number or a URI (RFC 3725). */
  connectUser(domain: string, username: string, to: string): Promise<Result<{ readonly id: string; readonly call_id: string }>> {
    return this.#ask("POST", userPath(domain, username, "calls"), { to });
  }

  /** @param username at whose home the call is, as `liveCalls` says */
  endCall(domain: string, username: string, id: string): Promise<Result<null>> {
    return this.#ask("DELETE", userPath(domain, username, "calls", id));
  }

  async #ask<Body>(method: string, path: string | undefined, body?: object): Promise<Result<Body>> {
    if (path === undefined) return { ok: false, status: 400, detail: "a name is empty, or is none" };
    const { adminToken } = readConfiguration(this.env);
    if (adminToken === undefined) return { ok: false, status: 503, detail: "no ADMIN_TOKEN is configured" };
    const request = new Request(`https://service${path}`, {
      method,
      headers: { Authorization: `Bearer ${adminToken}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = await api.fetch(request, this.env, this.ctx);
    if (!answer.ok) return { ok: false, status: answer.status, detail: ((await answer.json()) as { detail: string }).detail };
    return { ok: true, value: (answer.status === 204 ? null : await answer.json()) as Body };
  }
}

/** The path of these names; undefined if one of them would lead elsewhere in it. */
function pathOf(...parts: readonly string[]): string | undefined {
  const isName = (part: string) => part !== "" && part !== "." && part !== ".." && part.isWellFormed();
  return parts.every(isName) ? `/${parts.map(encodeURIComponent).join("/")}` : undefined;
}

function userPath(domain: string, username: string, ...more: readonly string[]): string | undefined {
  return pathOf("domains", domain, "subscribers", username, ...more);
}
