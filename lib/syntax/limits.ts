/** Maximum sizes in a message; above them the answer is 513 or 400, and the message is not parsed further. */
export interface Limits {
  /** Characters of the whole message. */
  readonly messageLength: number;
  /** Header lines. */
  readonly headerCount: number;
  /** Characters of one header line, folding included. */
  readonly headerLength: number;
  /** Characters of the start line. */
  readonly startLineLength: number;
  /** Characters of a URI: a longer one is answered with 414 (RFC 3261 §21.4.12). */
  readonly uriLength: number;
  /** Characters of a telephone number, its visual separators included. */
  readonly numberLength: number;
  /** Parameters of one header value or URI. */
  readonly parameterCount: number;
  /** Maximum nesting of comments. */
  readonly commentDepth: number;
}

export const defaultLimits: Limits = {
  messageLength: 262_144,
  headerCount: 256,
  headerLength: 16_384,
  startLineLength: 8192,
  uriLength: 4000,
  numberLength: 128,
  parameterCount: 64,
  commentDepth: 8,
};

/** For a message that was within the limits when it arrived: it may have grown by our own lines, and by the way we write what others wrote. */
export const relayedLimits: Limits = {
  ...defaultLimits,
  messageLength: defaultLimits.messageLength * 2,
  headerCount: defaultLimits.headerCount * 2,
  headerLength: defaultLimits.headerLength * 2,
  startLineLength: defaultLimits.startLineLength * 2,
};
