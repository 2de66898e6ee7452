import { type Account, askApi } from "./account.ts";
import type { Texts } from "./texts.ts";

/** A call that is over, as the server has recorded it. */
export interface PastCall {
  readonly id: string;
  readonly direction: "incoming" | "outgoing";
  /** `bob@example.com` */
  readonly peer: string;
  /** By RFC 3339. */
  readonly started: string;
  /** From the answer to the end; 0 if it was not answered. */
  readonly seconds: number;
  readonly outcome: keyof Texts["outcome"];
}

/** The calls of all phones of the user, the newest first, as far as they have been read. */
export interface History {
  readonly calls: readonly PastCall[];
  readonly hasMore: boolean;
  readonly isFailure: boolean;
}

interface Page {
  readonly calls: readonly PastCall[];
  readonly next_cursor: string | null;
}

const pageSize = 20;

export const noHistory: History = { calls: [], hasMore: false, isFailure: false };

/** Reads the history again from its beginning, or its next page. */
export async function readHistory(account: Account, present: History = noHistory): Promise<History> {
  const last = present.calls.at(-1);
  const cursor = last === undefined ? "" : `&cursor=${encodeURIComponent(last.id)}`;
  try {
    const answer = await askApi(account, `/me/calls?limit=${pageSize}${cursor}`);
    if (!answer.ok) return { ...present, isFailure: true };
    const page = (await answer.json()) as Page;
    return { calls: [...present.calls, ...page.calls.map(asSeen)], hasMore: page.next_cursor !== null, isFailure: false };
  } catch {
    return { ...present, isFailure: true };
  }
}

/** A call that its caller gave up is one that the user has missed. */
function asSeen(call: PastCall): PastCall {
  return call.direction === "incoming" && call.outcome === "cancelled" ? { ...call, outcome: "missed" } : call;
}
