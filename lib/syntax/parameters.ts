import { isToken, textOf } from "./characters.ts";
import { type Fault, fault, isFault } from "./fault.ts";
import { defaultLimits } from "./limits.ts";
import { splitAt } from "./list.ts";

/** Parameters in order and as written; a parameter without `=` has the value undefined, quoted values keep their quotes. */
export type Parameters = readonly (readonly [name: string, value: string | undefined])[];

const none: Parameters = [];
/** What a value may contain unquoted: a token, a host (also IPv6), or what RFC 3840 and others allow. */
const isPlainValue = textOf("-.!%*_+`'~[]:/?&$#@|^{}");

/** Header parameters: `;a;b=c;d="e"` or the empty text (RFC 3261 §25.1 generic-param). */
export function parseParameters(text: string): Parameters | Fault {
  if (text === "") return none;
  if (text.startsWith(";tag=") && isToken(text.slice(5))) return [["tag", text.slice(5)]];
  const parts = text.includes('"') ? splitAt(text, 59) : text.split(";");
  if (parts.length > defaultLimits.parameterCount + 1) return fault(400, `there are more than ${defaultLimits.parameterCount} parameters`);
  if (parts[0]?.trim() !== "") return fault(400, "there is text where a parameter should begin");
  const parameters: (readonly [string, string | undefined])[] = [];
  for (let index = 1; index < parts.length; index += 1) {
    const parameter = parseParameter((parts[index] as string).trim());
    if (isFault(parameter)) return parameter;
    parameters.push(parameter);
  }
  return parameters;
}

function parseParameter(part: string): [string, string | undefined] | Fault {
  const equals = part.indexOf("=");
  const name = (equals < 0 ? part : part.slice(0, equals)).trimEnd();
  if (!isToken(name)) return fault(400, "a parameter name is not a token");
  if (equals < 0) return [name, undefined];
  const value = part.slice(equals + 1).trimStart();
  if (!isValue(value)) return fault(400, `the value of the parameter ${name} is malformed`);
  return [name, value];
}

function isValue(value: string): boolean {
  if (value.startsWith('"')) return value.length >= 2 && closingQuote(value) === value.length - 1;
  return isToken(value) || (value !== "" && isPlainValue(value));
}

/** The position of the quote that ends a quoted string; -1 if there is none. */
function closingQuote(text: string): number {
  for (let at = 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 92) at += 1;
    else if (code === 34) return at;
  }
  return -1;
}

/** The value of a parameter, its name in any case; "" if it has no value, undefined if it is absent. */
export function parameter(parameters: Parameters, name: string): string | undefined {
  for (const [written, value] of parameters) {
    if (written === name || (written.length === name.length && written.toLowerCase() === name)) return value ?? "";
  }
  return undefined;
}

/** The text in a quoted string (RFC 3261 §25.1 quoted-string); other text stays as it is. */
export function unquote(text: string): string {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return text;
  const inner = text.slice(1, -1);
  return inner.includes("\\") ? inner.replace(/\\([\s\S])/g, "$1") : inner;
}
