import { type Fault, fault } from "../syntax/fault.ts";
import { type Request, headerValues } from "../syntax/message.ts";
import { readOptionTags } from "../syntax/option-tags.ts";
import { type Understood, inspectRequest } from "../uas/inspect-request.ts";
import { type EventPackage, ownEvent } from "./event-package.ts";
import { recipientListType } from "./recipient-list.ts";
import { type SubscriptionSettings, type SubscribeParameters, readSubscribeParameters } from "./subscription.ts";

/** The option tags of RFC 4662 §4.1 and RFC 5367 §9.2. */
export const eventList = "eventlist";
const recipientList = "recipient-list-subscribe";

/** Packages that make sense for a list of resources. */
const packages: readonly EventPackage[] = ["presence", "dialog"];

/** What is understood in a SUBSCRIBE to a list in its body, and to one of the directory. */
export const understood: Readonly<Record<"adHoc" | "named", Understood>> = {
  adHoc: { options: [eventList, recipientList], types: [recipientListType] },
  named: { options: [eventList], types: [] },
};

/** Reads a SUBSCRIBE to a list (RFC 4662 §4, RFC 5367 §3): one of the directory, or one in its body. */
export function readListSubscribeParameters(
  request: Request,
  isAdHoc: boolean,
  settings: SubscriptionSettings,
): SubscribeParameters | Fault {
  const refusal = inspectRequest(request, isAdHoc ? understood.adHoc : understood.named);
  if (refusal !== undefined) return refusal;
  const event = ownEvent(request)?.package;
  if (event === undefined || !packages.includes(event))
    return fault(489, "lists are not supported for this event package", [["Allow-Events", packages.join(", ")]]);
  const required = readOptionTags(request, "require");
  if (![...required, ...readOptionTags(request, "supported")].includes(eventList))
    return fault(421, "this is a list: the request needs Supported: eventlist", [["Require", eventList]]);
  if (isAdHoc && !required.includes(recipientList))
    return fault(421, "a request with a list needs Require: recipient-list-subscribe", [["Require", recipientList]]);
  if (!takesLists(request)) return fault(406, "notifications of lists are multipart/related with application/rlmi+xml");
  return readSubscribeParameters(request, settings);
}

/** Refuses a SUBSCRIBE within the dialog that contains a list: it cannot change the list of a subscription (RFC 5367 §5.1). */
export function refuseLater(request: Request): Fault | undefined {
  return inspectRequest(request, { ...understood.adHoc, types: [] });
}

/** RFC 4662 §4.3; without an Accept header the option tag is enough. */
function takesLists(request: Request): boolean {
  const accepted = headerValues(request, "accept").map((value) => value.split(";")[0]?.trim().toLowerCase());
  if (accepted.length === 0) return true;
  const takes = (type: string) => accepted.includes(type) || accepted.includes(`${type.split("/")[0]}/*`) || accepted.includes("*/*");
  return takes("multipart/related") && takes("application/rlmi+xml");
}
