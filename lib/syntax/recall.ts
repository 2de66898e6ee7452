const mostKept = 1000;
const longestKept = 400;

/**
 * A parser that remembers what it has read: phones write the same values again and again. It forgets everything at a thousand
 * values. What it returns must not be changed.
 */
export function recalling<Value>(parse: (text: string) => Value): (text: string) => Value {
  const known = new Map<string, { readonly value: Value }>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found.value;
    if (text.length > longestKept) return parse(text);
    // A copy: a piece cut from a message would keep all of the message in memory.
    const copy = [...text].join("");
    const value = parse(copy);
    if (known.size >= mostKept) known.clear();
    known.set(copy, { value });
    return value;
  };
}
