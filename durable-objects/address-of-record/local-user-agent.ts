import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import type { Request } from "../../lib/syntax/message.ts";
import type { Receipt, RequestEnvelope, ResponseEnvelope } from "../../lib/transport/envelope.ts";

/** A user agent of this server inside a home, at one end of dialogs as a phone is: the presence agent and the list server are the two. */
export interface LocalUserAgent {
  /** Its name in dialogs, where a phone has its own. */
  readonly phone: string;
  /** How the branch of a return address begins that leads to it: no response context has such a name. */
  readonly branchPrefix: string;
  /** A request in a dialog of its own. */
  inDialog(envelope: RequestEnvelope, request: Request, mandatory: MandatoryHeaders, now: number): Receipt;
  /** The response to a request of its own. */
  response(envelope: ResponseEnvelope, now: number): Receipt;
}
