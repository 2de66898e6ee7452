const maxKept = 1000;

/**
 * A parser that remembers what it has read: phones write the same values again and again. It forgets everything at a thousand
 * values. What it returns must not be changed.
 * @param longest characters of a text that is worth remembering
 */
export function memoised<Value>(parse: (text: string) => Value, longest = 400): (text: string) => Value {
  const known = new Map<string, { readonly value: Value }>();
  return (text) => {
    if (text.length > longest) return parse(text);
    const found = known.get(text);
    if (found !== undefined) return found.value;
    const copy = copyOf(text);
    const value = parse(copy);
    if (known.size >= maxKept) known.clear();
    known.set(copy, { value });
    return value;
  };
}

/** A text of its own: a piece cut from a message would keep all of the message in memory. */
export function copyOf(text: string): string {
  return ` ${text}`.slice(1);
}
