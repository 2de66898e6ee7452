import { allows, isPublicAddress } from "../routing/network.ts";
import { type Ask, type Known, look, openInquiry } from "../routing/question.ts";
import { isIpv6 } from "../syntax/uri.ts";

/** Why a receiver is not called, in words for its owner. */
export interface Unreachable {
  readonly kind: "unreachable";
  readonly why: string;
}

/** Where a receiver may be. */
export interface ReceiverPolicy {
  /** Whether `http:` is allowed, without TLS, to an allowed private network. */
  readonly allowsPlain: boolean;
  /** CIDR: private networks that are allowed. */
  readonly networks: readonly string[];
}

/** The parts of a URL that are checked, as the URL standard has them. */
export interface ReceiverUrl {
  /** With the colon. */
  readonly protocol: string;
  readonly username: string;
  readonly password: string;
  /** An IPv6 address has brackets. */
  readonly hostname: string;
}

/**
 * Whether deliveries may go to a URL: with TLS, to a public address. All addresses of a name have to be public.
 * @param known the answers of the DNS so far
 * @returns questions for the DNS, or undefined in `why` if the URL may be called
 */
export function checkReceiver(
  { protocol, username, password, hostname }: ReceiverUrl,
  { allowsPlain, networks }: ReceiverPolicy,
  known: Known,
): Ask | Unreachable | { readonly kind: "reachable" } {
  if (protocol !== "https:" && !(allowsPlain && protocol === "http:")) return unreachable("is not an https URL");
  if (username !== "" || password !== "") return unreachable("has a user name or a password");
  const addresses = addressesOf(hostname.replace(/^\[|\]$/g, ""), known);
  if (!Array.isArray(addresses)) return addresses;
  const stray = addresses.find((address) => (!isPublicAddress(address) || protocol === "http:") && !allows(networks, address));
  if (stray === undefined) return { kind: "reachable" };
  if (isPublicAddress(stray)) return unreachable("is not an https URL");
  return unreachable(`leads to ${stray}, an address in a private network, which the setting ALLOWED_NETWORKS does not allow`);
}

/** A literal address, or what the DNS knows of a name; `localhost` is this machine. */
function addressesOf(host: string, known: Known): string[] | Ask | Unreachable {
  if (isIpv6(host) || /^\d+(?:\.\d+){3}$/.test(host)) return [host];
  if (/^(?:.*\.)?localhost\.?$/.test(host)) return ["127.0.0.1"];
  const inquiry = openInquiry(known);
  const found = [...look(inquiry, host, "A"), ...look(inquiry, host, "AAAA")].map(({ address }) => address);
  if (inquiry.missing.length > 0) return { kind: "ask", questions: inquiry.missing };
  if (inquiry.hasFailed) return unreachable(`has the host ${host}, which the DNS could not look up: try again`);
  return found.length > 0 ? found : unreachable(`has the host ${host}, which has no address in the DNS`);
}

function unreachable(why: string): Unreachable {
  return { kind: "unreachable", why };
}
