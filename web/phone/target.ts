import type { UA, URI } from "jssip";

/** Missing in JsSIP's types. */
interface Normalizer {
  normalizeTarget(target: string): URI | undefined;
}

/** The address that a user has written, or that of a user name of our own domain; undefined if it is neither. */
export function targetOf(ua: UA, written: string): URI | undefined {
  try {
    return (ua as unknown as Normalizer).normalizeTarget(written);
  } catch (error) {
    // JsSIP reads escapes, which may be none: "50%".
    if (!(error instanceof URIError)) throw error;
    return undefined;
  }
}
