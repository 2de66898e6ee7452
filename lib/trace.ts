/** One entry of a home's trace. */
export interface TraceEntry {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly direction: "in" | "out" | "note";
  readonly flow: string;
  /** The message, its credentials masked; for a note, its text. */
  readonly text: string;
}
