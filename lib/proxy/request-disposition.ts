import { type Request, hasHeader, headerValues } from "../syntax/message.ts";

/** What the caller wants of the servers on the way (RFC 3841 §9.1). */
export interface RequestDisposition {
  /** To be told the targets rather than be put through to them. */
  readonly redirect: boolean;
  /** To be put through to more than one target. */
  readonly fork: boolean;
  /** All of them at once. */
  readonly parallel: boolean;
  /** That those who are still ringing stop once one has answered. */
  readonly cancel: boolean;
  /** That the Contacts of a 3xx are tried. */
  readonly recurse: boolean;
}

const nothing: RequestDisposition = { redirect: false, fork: true, parallel: true, cancel: true, recurse: true };

/** Each directive, and what it says; others are ignored, `queue` among them: nobody waits in line here. */
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

/** Reads Request-Disposition; of directives that contradict each other the last one counts. */
export function readRequestDisposition(request: Request): RequestDisposition {
  if (!hasHeader(request, "request-disposition")) return nothing;
  const said = headerValues(request, "request-disposition").map((value) => directives[value.trim().toLowerCase()] ?? {});
  return Object.assign({}, nothing, ...said) as RequestDisposition;
}
