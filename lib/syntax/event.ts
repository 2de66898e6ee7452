import { isToken } from "./characters.ts";
import { type Fault, fault, isFault } from "./fault.ts";
import { type Parameters, parameter, parseParameters } from "./parameters.ts";

/** An Event header (RFC 6665 §8.2.1). */
export interface Event {
  /** `presence`, or with templates `presence.winfo`. */
  readonly package: string;
  readonly id: string | undefined;
  readonly parameters: Parameters;
}

export function parseEvent(text: string): Event | Fault {
  const semicolon = text.indexOf(";");
  const name = (semicolon < 0 ? text : text.slice(0, semicolon)).trim();
  if (!isToken(name)) return fault(400, "Event does not name a package");
  const parameters = semicolon < 0 ? [] : parseParameters(text.slice(semicolon));
  return isFault(parameters) ? parameters : { package: name, id: parameter(parameters, "id"), parameters };
}
