import { addresses, header, headers, uriIn, type ReceivedMessage } from "./received-message.ts";

/** One side's view of a dialog (RFC 3261 §12): what its requests carry. */
export interface Dialog {
  readonly callId: string;
  /** The From of our requests, with our tag. */
  readonly local: string;
  /** The To of our requests, with the other side's tag. */
  readonly remote: string;
  /** The other side's Contact, the Request-URI of our requests. */
  readonly target: string;
  readonly routes: readonly string[];
  /** Of our next request. */
  cseq: number;
  /** Of the INVITE we sent, which ACK repeats; 0 at the callee. */
  readonly inviteCseq: number;
}

/** The caller's view, out of the response that made the dialog: the route set is the Record-Route upside down (§12.1.2). */
export function dialogOfCaller(response: ReceivedMessage): Dialog {
  const inviteCseq = Number.parseInt(header(response, "cseq") ?? "", 10);
  return {
    callId: header(response, "call-id") ?? "",
    local: header(response, "from") ?? "",
    remote: header(response, "to") ?? "",
    target: uriIn(header(response, "contact")),
    routes: addresses(response, "record-route").reverse(),
    cseq: inviteCseq + 1,
    inviteCseq,
  };
}

/** The callee's view, out of the request and the To tag it answered with (§12.1.1). */
export function dialogOfCallee(request: ReceivedMessage, tag: string): Dialog {
  return {
    callId: header(request, "call-id") ?? "",
    local: `${header(request, "to") ?? ""};tag=${tag}`,
    remote: header(request, "from") ?? "",
    target: uriIn(header(request, "contact")),
    routes: addresses(request, "record-route"),
    cseq: 1,
    inviteCseq: 0,
  };
}

/** The lines a response copies from its request (§8.2.6.2); Record-Route too, which every response that makes a dialog carries. */
export function copiedLines(request: ReceivedMessage, tag: string): string[] {
  const to = header(request, "to") ?? "";
  return [
    ...headers(request, "via").map((value) => `Via: ${value}`),
    ...headers(request, "record-route").map((value) => `Record-Route: ${value}`),
    `From: ${header(request, "from")}`,
    `To: ${/;\s*tag=/i.test(to) || tag === "" ? to : `${to};tag=${tag}`}`,
    `Call-ID: ${header(request, "call-id")}`,
    `CSeq: ${header(request, "cseq")}`,
  ];
}
