import { isFault } from "../../lib/syntax/fault.ts";
import { type MandatoryHeaders, readMandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { type Message, parseMessage, recover } from "../../lib/syntax/message.ts";
import { mendResponse } from "../../lib/syntax/faulty-response.ts";
import { answerFault } from "../shared/reply.ts";

/** A message of the other server. */
interface Heard {
  readonly message: Message;
  readonly mandatory: MandatoryHeaders;
}

/** Reads what the other server has sent; of what is faulty the answer (RFC 3261 §8.2), "" if there can be none. */
export function readHeard(octets: string): Heard | string {
  const parsed = parseMessage(octets);
  const message = isFault(parsed) ? (mendResponse(octets) ?? parsed) : parsed;
  const mandatory = isFault(message) ? message : readMandatoryHeaders(message);
  if (!isFault(message) && !isFault(mandatory)) return { message, mandatory };
  const request = isFault(message) ? recover(octets) : message;
  return isFault(mandatory) && request?.kind === "request" && request.method !== "ACK" ? answerFault(request, mandatory) : "";
}
