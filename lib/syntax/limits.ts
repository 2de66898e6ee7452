/** What a message may be at most; beyond it the answer is 513 or 400 and nothing more is spent on it. */
export interface Limits {
  /** Characters of the whole message. */
  readonly messageLength: number;
  /** Header lines. */
  readonly headerCount: number;
  /** Characters of one header line, folding included. */
  readonly headerLength: number;
  /** How deep nested comments are followed. */
  readonly commentDepth: number;
}

export const defaultLimits: Limits = {
  messageLength: 262_144,
  headerCount: 256,
  headerLength: 16_384,
  commentDepth: 8,
};
