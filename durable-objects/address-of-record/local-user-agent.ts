import type { ReturnAddress, SenderInside } from "../../lib/transport/return-address.ts";
import type { PhoneId } from "../../lib/transport/identifiers.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import type { Request } from "../../lib/syntax/message.ts";
import type { Receipt, RequestEnvelope, ResponseEnvelope } from "../../lib/transport/envelope.ts";

/** A user agent of this server inside a home, at one end of dialogs as a phone is: the presence agent and the list server are the two. */
export interface LocalUserAgent {
  /** Its name in dialogs, where a phone has its own. */
  readonly phone: PhoneId;
  /** Those of its own whose responses it takes. */
  readonly senders: readonly SenderInside["kind"][];
  /** Whether it has taken over the dialog of a request that this end of it has sent. */
  takes?(mandatory: MandatoryHeaders, sender: ReturnAddress): boolean;
  /** A request in a dialog of its own. */
  inDialog(envelope: RequestEnvelope, request: Request, mandatory: MandatoryHeaders, now: number): Receipt;
  /** The response to a request of its own. */
  response(envelope: ResponseEnvelope, now: number): Receipt;
}
