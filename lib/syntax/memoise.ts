const maxKept = 1000;

/**
 * A parser that remembers its results, because phones send the same values again and again. It forgets all of them at a thousand values.
 * Its results must not be changed.
 * @param longest text that is remembered, in characters
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

/** A copy of the text: a substring of a message would keep the whole message in memory. */
export function copyOf(text: string): string {
  return ` ${text}`.slice(1);
}
