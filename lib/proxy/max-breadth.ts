import { type Fault, fault } from "../syntax/fault.ts";
import { parseDeltaSeconds } from "../syntax/integers.ts";
import { type Request, headerValue } from "../syntax/message.ts";

/** RFC 5393 §5.3: how many branches the request may have; undefined if it does not limit them. */
export function readBreadth(request: Request): number | Fault | undefined {
  const written = headerValue(request, "max-breadth");
  if (written === undefined) return undefined;
  const breadth = parseDeltaSeconds(written);
  if (breadth === undefined) return fault(400, "Max-Breadth is not a number");
  return breadth === 0 ? fault(440, "this request may not be forwarded") : breadth;
}
