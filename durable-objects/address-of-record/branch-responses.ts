import { type Request, type Response, headerValue } from "../../lib/syntax/message.ts";
import { mandatoryHeadersOf } from "../shared/reparse.ts";

/** Whether a response answers this request: another one may have the same branch. */
export function isOfRequest(request: Request, response: Response): boolean {
  const [callId, cseq] = [headerValue(response, "call-id"), headerValue(response, "cseq")];
  const { callId: ours, cseq: sent } = mandatoryHeadersOf(request);
  return callId === ours && Number.parseInt(cseq ?? "", 10) === sent.number;
}
