import { type Request, hasHeader, headerValues } from "../syntax/message.ts";

/** What the caller asks of the servers on the path (RFC 3841 §9.1). */
export interface RequestDisposition {
  /** Return the targets in a redirect, instead of a connection to them. */
  readonly redirect: boolean;
  /** Try more than one target. */
  readonly fork: boolean;
  /** Try all targets at once. */
  readonly parallel: boolean;
  /** Cancel the phones that still ring when one has answered. */
  readonly cancel: boolean;
  /** Try the Contacts of a 3xx. */
  readonly recurse: boolean;
}

const nothing: RequestDisposition = { redirect: false, fork: true, parallel: true, cancel: true, recurse: true };

/** Each directive and its meaning. Others are ignored, also `queue`: there is no queue for calls here. */
const directives: Readonly<Record<string, Partial<RequestDisposition> | undefined>> = {
  proxy: { redirect: false },
  redirect: { redirect: true },
  fork: { fork: true },
  "no-fork": { fork: false },
  parallel: { parallel: true },
  sequential: { parallel: false },
  cancel: { cancel: true },
  "no-cancel": { cancel: false },
  recurse: { recurse: true },
  "no-recurse": { recurse: false },
};

/** Reads Request-Disposition; if directives contradict each other the last one counts. */
export function readRequestDisposition(request: Request): RequestDisposition {
  if (!hasHeader(request, "request-disposition")) return nothing;
  const said = headerValues(request, "request-disposition").map((value) => directives[value.trim().toLowerCase()] ?? {});
  return Object.assign({}, nothing, ...said) as RequestDisposition;
}
