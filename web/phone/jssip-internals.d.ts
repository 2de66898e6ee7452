/** JsSIP sends every request with this class, which has no types. */
declare module "jssip/lib/RequestSender" {
  import type { UA } from "jssip";
  import type { IncomingResponse, OutgoingRequest } from "jssip/lib/SIPMessage";

  class RequestSender {
    constructor(
      ua: UA,
      request: OutgoingRequest,
      handlers: { onReceiveResponse(response: IncomingResponse): void; onRequestTimeout(): void; onTransportError(): void },
    );
    send(): void;
  }
  export = RequestSender;
}
