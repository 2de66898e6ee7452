/**
 * A POSIX extended regular expression (RFC 3402 §3.2) as a JavaScript one; undefined if it is malformed, or could be slow on a telephone
 * number: nested quantifiers, too many of them, or too many alternatives. What POSIX leaves undefined is refused too, except a `+` where
 * nothing can be repeated: it "MUST be escaped" (RFC 6116 §5.1), yet many write `^+46`.
 */
export function compileExtended(text: string, ignoreCase: boolean): RegExp | undefined {
  const source = translate(text);
  if (source === undefined) return undefined;
  try {
    return new RegExp(source, ignoreCase ? "iu" : "u");
  } catch (error) {
    // The parts are valid, but not their combination.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const maxQuantifiers = 4;
const maxAlternatives = 6;

interface Piece {
  readonly kind: "atom" | "anchor" | "quantifier" | "open" | "close" | "bar";
  readonly source: string;
  readonly length: number;
}

function translate(text: string): string | undefined {
  let source = "";
  let quantifiers = 0;
  let alternatives = 0;
  let before: Piece["kind"] = "open";
  /** For each open group whether something in it can match in several ways, so that the group must not be repeated. */
  const around = [false];
  /** The same for the group that was closed last. */
  let isManifold = false;
  for (let at = 0; at < text.length;) {
    const piece = pieceAt(text, at, before);
    if (piece === undefined) return undefined;
    if (piece.kind === "open") around.push(false);
    if (piece.kind === "close") {
      isManifold = around.pop() ?? false;
      if (around.length === 0) return undefined;
    }
    if (piece.kind === "quantifier") {
      if (before !== "atom" && (before !== "close" || isManifold)) return undefined;
      if (!/^\{\d+\}$/.test(piece.source)) quantifiers += 1;
    }
    if (piece.kind === "bar") alternatives += 1;
    if (piece.kind === "quantifier" || piece.kind === "bar" || (piece.kind === "close" && isManifold)) around[around.length - 1] = true;
    source += piece.source;
    at += piece.length;
    before = piece.kind;
  }
  return around.length === 1 && quantifiers <= maxQuantifiers && alternatives <= maxAlternatives ? source : undefined;
}

const kinds: ReadonlyMap<string, Piece["kind"]> = new Map([
  [".", "atom"],
  ["^", "anchor"],
  ["$", "anchor"],
  ["*", "quantifier"],
  ["+", "quantifier"],
  ["?", "quantifier"],
  ["(", "open"],
  [")", "close"],
  ["|", "bar"],
]);

function pieceAt(text: string, at: number, before: Piece["kind"]): Piece | undefined {
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
  if (character === "+" && before !== "atom" && before !== "close" && before !== "quantifier") return literal(character, 1);
  if (character === "\\") return /^[^A-Za-z0-9]$/.test(text.slice(at + 1, at + 2)) ? literal(text.slice(at + 1, at + 2), 2) : undefined;
  if (character === "[") return bracketAt(text, at);
  if (character === "{") return intervalAt(text, at);
  const kind = kinds.get(character);
  return kind === undefined ? literal(character, character.length) : { kind, source: character, length: 1 };
}

function literal(character: string, length: number): Piece {
  return { kind: "atom", source: escaped(character), length };
}

function escaped(character: string): string {
  return /^[\^$\\.*+?()[\]{}|/]$/.test(character) ? `\\${character}` : character;
}

function intervalAt(text: string, at: number): Piece | undefined {
  const source = /^\{\d{1,2}(?:,\d{0,2})?\}/.exec(text.slice(at))?.[0];
  return source === undefined ? undefined : { kind: "quantifier", source, length: source.length };
}

/** A bracket expression: characters, ranges and `[:digit:]`; a `]` in the first place is one of the characters. */
function bracketAt(text: string, at: number): Piece | undefined {
  const [whole, negation = "", inner = ""] = /^\[(\^?)(\]?(?:\[:digit:\]|[^[\]])*)\]/.exec(text.slice(at)) ?? [];
  if (whole === undefined || inner === "") return undefined;
  const members = inner.replaceAll("[:digit:]", "0-9").replace(/[\\\]^]/g, "\\$&");
  return { kind: "atom", source: `[${negation}${members}]`, length: whole.length };
}
