import { eventPackages, partialType, traits } from "../presence/event-package.ts";
import { recipientListType } from "../presence/recipient-list.ts";

/** The element that answers: a user's home, the connection to another server, the redirect server. */
export type Role = "home" | "hop" | "redirect";

/** RFC 3261 §20.5. */
export const allowed: Readonly<Record<Role, string>> = {
  home: "ACK, BYE, CANCEL, INFO, INVITE, MESSAGE, NOTIFY, OPTIONS, PRACK, PUBLISH, REFER, REGISTER, SUBSCRIBE, UPDATE",
  hop: "ACK, BYE, CANCEL, INFO, INVITE, MESSAGE, NOTIFY, OPTIONS, PRACK, REFER, SUBSCRIBE, UPDATE",
  redirect: "INVITE, ACK, CANCEL, OPTIONS, MESSAGE, SUBSCRIBE, REFER, PUBLISH, INFO, NOTIFY",
};

const supported: Readonly<Record<Role, string>> = {
  home: "path, outbound, gruu, eventlist, recipient-list-subscribe",
  hop: "eventlist",
  redirect: "",
};

/** The types of bodies that this server reads itself. */
const accepted: Readonly<Record<Role, string>> = {
  home: [traits.presence.type, partialType, recipientListType].join(", "),
  hop: "",
  redirect: "",
};

/** The headers of the answer to OPTIONS: the capabilities of this server (RFC 3261 §11.2, RFC 6665 §8.2.2). */
export function capabilities(role: Role): readonly (readonly [name: string, value: string])[] {
  return [
    ["Allow", allowed[role]],
    ["Accept", accepted[role]],
    ["Accept-Encoding", "identity"],
    ["Accept-Language", "*"],
    ["Allow-Events", eventPackages.join(", ")],
    ["Supported", supported[role]],
  ];
}
