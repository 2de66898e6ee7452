import type { CallRecordView } from "../../lib/proxy/call-record/record-view.ts";
import type { TraceEntry } from "../../lib/trace.ts";
import { type EventListener, EventStream } from "./event-stream.ts";

/** The record of a call, as the API returns it. */
export type CallRecord = Readonly<CallRecordView>;

export type Outcome = CallRecord["outcome"];

/** One step of a call, as the API returns it. */
export type CallEvent = CallRecord["timeline"][number];

/** What a path has, and its entity tag. */
export interface Tagged {
  readonly answer: object | undefined;
  readonly tag: string | undefined;
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
  /** The Call-ID, if it is known. */
  readonly call_id: string | null;
  readonly since: string | null;
}

/** A message of a trace, and the user whose home has it. */
export interface TracedMessage extends TraceEntry {
  readonly home: string;
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

  /** @returns undefined if there is no such thing */
  async find<Answer>(path: string): Promise<Answer | undefined> {
    try {
      return await this.get<Answer>(path);
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return undefined;
      throw error;
    }
  }

  /** @returns the JSON of the response, undefined if there is none; rejects with `Refused` */
  async send<Answer>({ method, path, body }: ApiRequest): Promise<Answer> {
    const more = body === undefined ? {} : { body: JSON.stringify(body) };
    const text = await (await this.#fetch(path, { method, ...more })).text();
    return (text === "" ? undefined : JSON.parse(text)) as Answer;
  }

  /** What is there, with its entity tag; both undefined if there is nothing. */
  async tagged(path: string): Promise<Tagged> {
    try {
      const response = await this.#fetch(path, { cache: "no-store" });
      return { answer: (await response.json()) as object, tag: response.headers.get("ETag") ?? undefined };
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return { answer: undefined, tag: undefined };
      throw error;
    }
  }

  /** Changes what has this entity tag still; undefined: makes what is not there yet. */
  async replace<Answer>({ method, path, body }: ApiRequest, tag: string | undefined): Promise<Answer> {
    const condition = tag === undefined ? { "If-None-Match": "*" } : { "If-Match": tag };
    const more = body === undefined ? {} : { body: JSON.stringify(body) };
    const text = await (await this.#fetch(path, { method, headers: condition, ...more })).text();
    return (text === "" ? undefined : JSON.parse(text)) as Answer;
  }

  /** Sends a file, and returns the JSON of the response. */
  async upload<Answer>(path: string, file: Blob, type: string): Promise<Answer> {
    return (await (await this.#fetch(path, { method: "POST", headers: { "Content-Type": type }, body: file })).json()) as Answer;
  }

  /** Until it is closed the listener is told of the events of a domain. */
  watch(domain: string, listener: EventListener): EventStream {
    return new EventStream(domain, this.#key, listener);
  }

  /** A response that is no JSON. */
  async file(path: string): Promise<Blob> {
    return (await this.#fetch(path, {})).blob();
  }

  async #fetch(path: string, request: RequestInit): Promise<Response> {
    const type = request.body === undefined ? {} : { "Content-Type": "application/json" };
    const headers = { ...type, ...(request.headers as Record<string, string> | undefined), Authorization: `Bearer ${this.#key}` };
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
