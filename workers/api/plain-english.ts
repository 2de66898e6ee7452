import { z } from "@hono/zod-openapi";

type Issue = z.core.$ZodRawIssue;

/** What is wrong with a member, to follow its name. A schema's own message has priority. */
export function inPlainEnglish(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return ofType(issue.expected, issue.input);
    case "too_small":
      return `has to be ${amount(issue.origin, Number(issue.minimum), "at least")}`;
    case "too_big":
      return `has to be ${amount(issue.origin, Number(issue.maximum), "at most")}`;
    case "unrecognized_keys":
      return `has a member that does not exist: ${issue.keys.join(", ")}`;
    case "invalid_value":
      return `has to be ${oneOf(issue.values)}`;
    case "invalid_union":
      return ofUnion(issue);
    case "invalid_key":
      return issue.issues[0]?.message ?? "has a name that is not allowed";
    default:
      return "has a form that is not allowed";
  }
}

const types: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
  null: "null",
};

function ofType(expected: string, input: unknown): string {
  return input === undefined ? "is missing" : `has to be ${types[expected] ?? "of another type"}`;
}

function amount(origin: string, limit: number, bound: string): string {
  if (origin === "string") return `${bound} ${limit} ${limit === 1 ? "character" : "characters"} long`;
  if (origin === "array") return `a list of ${bound} ${limit}`;
  return `${bound} ${limit}`;
}

function oneOf(values: readonly unknown[]): string {
  return values.length === 1 ? String(values[0]) : `one of ${values.join(", ")}`;
}

function ofUnion({ options, errors = [] }: { readonly options?: readonly unknown[]; readonly errors?: readonly unknown[] }): string {
  if (options !== undefined) return `has to be ${oneOf(options)}`;
  return errors.length > 0 ? "has none of the forms that are allowed" : "has a value that is not allowed";
}

z.config({ localeError: inPlainEnglish });

/** The first fault of a request, with the name of its member. */
export function firstFault(error: z.core.$ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return "the request is not valid";
  if (issue.code === "unrecognized_keys") return `${[...issue.path, issue.keys[0]].join(".")}: there is no such member`;
  return `${issue.path.join(".") || "the body"}: ${issue.message}`;
}
