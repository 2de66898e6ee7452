import { toOctets } from "../syntax/octets.ts";

/** Octets of user information: as many as the ISDN service bears, whose package is the default (RFC 7433 §4). */
export const maxUserToUser = 128;

/** The first octet of ISDN user-to-user information, its protocol discriminator: a protocol between its users. */
const userSpecific = "00";

/**
 * The value of User-to-User for a text (RFC 7433 §4.1): in hexadecimal digits, so that no text becomes a parameter or a header. Without a
 * `purpose` it is ISDN user-to-user information, the default.
 */
export function userToUserValue(text: string): string {
  const octets = toOctets(text);
  let digits = userSpecific;
  for (let at = 0; at < octets.length; at += 1) digits += octets.charCodeAt(at).toString(16).padStart(2, "0");
  return `${digits};encoding=hex`;
}

/** How many octets a text has in UTF-8. */
export function userToUserLength(text: string): number {
  return toOctets(text).length;
}
