import { type Fault, fault } from "../syntax/fault.ts";
import { type Request, bodyOf, headerValue, headerValues } from "../syntax/message.ts";
import { readOptionTags } from "../syntax/option-tags.ts";

/** What we understand in a request that we answer ourselves. */
export interface Understood {
  /** Option tags that the request may require. */
  readonly options: readonly string[];
  /** Types that its body may have; "any" if the body is not read. */
  readonly types: readonly string[] | "any";
}

/**
 * The checks of a UAS in each request that it answers itself, after its method and before the processing of the method (RFC 3261 §8.2.2.3
 * and §8.2.3): 420 for an extension, 415 for a body that we do not understand. A UAS ignores Max-Forwards, which limits proxies.
 */
export function inspectRequest(request: Request, { options, types }: Understood): Fault | undefined {
  if (request.method === "ACK" || request.method === "CANCEL") return undefined;
  const unknown = readOptionTags(request, "require").filter((tag) => !options.includes(tag));
  if (unknown.length > 0) return fault(420, "a required extension is not supported here", [["Unsupported", unknown.join(", ")]]);
  if (types === "any" || bodyOf(request) === "" || isOptional(request)) return undefined;
  const type = headerValue(request, "content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (!types.includes(type)) return fault(415, "bodies of this type are not supported here", [["Accept", types.join(", ")]]);
  const encodings = headerValues(request, "content-encoding").map((encoding) => encoding.toLowerCase());
  if (encodings.every((encoding) => encoding === "identity")) return undefined;
  return fault(415, "compressed bodies are not supported here", [["Accept-Encoding", "identity"]]);
}

/** RFC 3261 §20.11: a body that need not be understood. */
function isOptional(request: Request): boolean {
  const disposition = headerValue(request, "content-disposition") ?? "";
  return disposition
    .split(";")
    .slice(1)
    .some((parameter) => parameter.replaceAll(/[ \t"]/g, "").toLowerCase() === "handling=optional");
}
