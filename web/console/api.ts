/** One step of a call, as the API returns it. */
export interface CallEvent {
  readonly at: string;
  readonly event: "invite" | "sent" | "waiting" | "forwarded" | "flow lost" | "flow regained" | "provisional" | "final" | "cancel" | "bye";
  readonly branch?: number;
  readonly status?: number;
  readonly to?: string;
  readonly trunk?: string;
  readonly why?: string;
  readonly by?: string;
}

export type Outcome = "answered" | "missed" | "busy" | "declined" | "cancelled" | "redirected" | "failed" | "answered elsewhere";

/** The record of a call, as the API returns it. */
export interface CallRecord {
  readonly id: string;
  readonly call_id: string;
  readonly from: string;
  readonly to: string;
  readonly dialled: string;
  readonly caller: string | null;
  readonly callee: string | null;
  readonly forwarded: readonly string[];
  readonly trunk: string | null;
  readonly started: string;
  readonly rang: string | null;
  readonly answered: string | null;
  readonly ended: string;
  readonly seconds: number;
  readonly outcome: Outcome;
  readonly status: number;
  readonly reason: string;
  readonly why: string | null;
  readonly ended_by: "caller" | "callee" | "server" | "network";
  readonly caller_device: string | null;
  readonly devices: readonly { readonly branch: number; readonly user_agent: string | null; readonly way: string }[];
  readonly timeline: readonly CallEvent[];
}

export interface CallPage {
  readonly calls: readonly CallRecord[];
  readonly next_cursor: string | null;
}

export interface User {
  readonly username: string;
  readonly displayName: string | null;
  readonly aliases: readonly string[];
  readonly opened: boolean;
}

export interface Binding {
  readonly id: string;
  readonly contact: string;
  /** Seconds that are left. */
  readonly expires: number;
  readonly reachable: boolean;
}

export interface LiveCall {
  readonly id: string;
  readonly state: string;
  readonly direction: string | null;
  readonly remote: string | null;
  readonly since: string | null;
}

/** A message of a trace. */
export interface TracedMessage {
  readonly at: number;
  readonly direction: "in" | "out" | "note";
  readonly flow: string;
  readonly text: string;
}

/** What the API said instead of doing it (RFC 9457). */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/** A request of the API, with its path behind `/api/v1`. */
export interface ApiRequest {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
}

/** The API of this server, with the key that the administrator has given. */
export class Api {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  get<Answer>(path: string): Promise<Answer> {
    return this.send<Answer>({ method: "GET", path });
  }

  /** @returns the JSON of the response, undefined if there is none; rejects with `Refused` */
  async send<Answer>({ method, path, body }: ApiRequest): Promise<Answer> {
    const more = body === undefined ? {} : { body: JSON.stringify(body) };
    const text = await (await this.#fetch(path, { method, ...more })).text();
    return (text === "" ? undefined : JSON.parse(text)) as Answer;
  }

  /** A response that is no JSON. */
  async file(path: string): Promise<Blob> {
    return (await this.#fetch(path, {})).blob();
  }

  async #fetch(path: string, request: RequestInit): Promise<Response> {
    const headers = { Authorization: `Bearer ${this.#key}`, ...(request.body === undefined ? {} : { "Content-Type": "application/json" }) };
    const response = await fetch(`/api/v1${path}`, { ...request, headers });
    if (response.ok) return response;
    throw new Refused(response.status, detailOf(await response.text()) ?? `the server answered ${response.status}`);
  }
}

/** A part of a path. */
export function part(name: string): string {
  return encodeURIComponent(name);
}

function detailOf(text: string): string | undefined {
  try {
    const { detail, title } = JSON.parse(text) as { readonly detail?: string; readonly title?: string };
    return detail ?? title;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
