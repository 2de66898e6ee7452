import type { Address } from "../../lib/location/address.ts";
import { type Fault, fault } from "../../lib/syntax/fault.ts";
import { canonicalNumber, isBrokenNumber } from "../../lib/syntax/telephone-number.ts";
import { nameOfUser } from "../../lib/syntax/uri.ts";
import type { Directory } from "../../platform/directory/directory.ts";

/**
 * The address that was dialled, as routers, routes, trunks and ENUM know it: the user of exactly this name, if there is one; else a number
 * in its canonical form. However a number is written, the same rules apply to it.
 */
export async function dialledAddress(directory: Pick<Directory, "find">, address: Address): Promise<Address | Fault> {
  const { user, domain } = address;
  const number = canonicalNumber(user);
  if (number === user || (number === undefined && !isBrokenNumber(user))) return address;
  const { kind } = await directory.find(user, domain);
  if (kind === "subscriber") return address;
  if (number !== undefined) return { ...address, user: number };
  if (kind === "foreign") return address;
  return nameOfUser(user) === undefined ? fault(404, "there is no such user") : fault(484, "the called number is not a valid number");
}
