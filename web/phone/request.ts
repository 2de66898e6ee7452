import { type UA, URI } from "jssip";
import RequestSender from "jssip/lib/RequestSender";
import { type IncomingResponse, OutgoingRequest } from "jssip/lib/SIPMessage";

/** A dialog as JsSIP needs it, with its own names. */
export interface DialogParameters {
  readonly call_id?: string;
  readonly from_tag?: string;
  readonly to_tag?: string;
  readonly cseq?: number;
  readonly route_set?: readonly string[];
}

/** Missing in JsSIP's types: the constructor of a request. */
const makeRequest = OutgoingRequest as unknown as new (
  method: string,
  uri: URI,
  ua: UA,
  parameters: DialogParameters,
  headers: readonly string[],
  body: string | undefined,
) => OutgoingRequest;

/** Sends a request of a method that JsSIP has no function for; passes its final response on, undefined if none came. */
export function send(
  ua: UA,
  method: string,
  address: string,
  message: { readonly headers: readonly string[]; readonly body?: string; readonly dialog?: DialogParameters },
  answered: (response: IncomingResponse | undefined) => void,
): void {
  const uri = URI.parse(`sip:${address}`);
  if (uri === undefined) throw new Error(`${address} makes no URI`);
  const request = new makeRequest(method, uri, ua, message.dialog ?? {}, message.headers, message.body);
  const onReceiveResponse = (response: IncomingResponse) => {
    if (response.status_code >= 200) answered(response);
  };
  const nothing = () => answered(undefined);
  new RequestSender(ua, request, { onReceiveResponse, onRequestTimeout: nothing, onTransportError: nothing }).send();
}
