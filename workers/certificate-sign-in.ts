import type { TlsClientAuthentication } from "../lib/authentication/presented-credentials.ts";
import type { Subscriber } from "../lib/location/subscriber.ts";
import type { Opening } from "../lib/transport/opening.ts";
import { directoryOf } from "../platform/directory/directory.ts";
import type { Environment } from "../platform/environment.ts";
import { type ClientCertificate, isIssuedBy, readClientCertificate } from "../platform/tokens/client-certificate.ts";
import { firstOpening } from "./first-opening.ts";
import { connectDedicated } from "./home-socket.ts";
import { isFromOwnPage } from "./token-sign-in.ts";

/**
 * Connects a phone by its client certificate (mTLS): it is authenticated from the beginning, as by a token that ends with the certificate.
 * Undefined if there is none that the authority of a domain has issued to a user of the domain: the phone may have a password. A browser
 * shows the certificate for every page that asks: it counts only for pages of this origin, or of an allowed one.
 * @param named the user whom the URL names
 */
export async function connectByCertificate(
  environment: Environment,
  request: Request,
  arrival: Pick<Opening, "way" | "host" | "address">,
  named: { readonly user: string; readonly domain: string } | undefined,
): Promise<Response | undefined> {
  const tls = request.cf?.["tlsClientAuth"] as TlsClientAuthentication | undefined;
  const certificate = isFromOwnPage(request.headers.get("Origin"), new URL(request.url), environment)
    ? readClientCertificate(tls, Date.now())
    : undefined;
  if (certificate === undefined) return undefined;
  const users = certificate.users.filter(({ user, domain }) => named === undefined || (named.user === user && named.domain === domain));
  for (const { user, domain } of users) {
    // A cached answer may be of a user who was deleted, or of another authority.
    const answer = await directoryOf(environment).fresh(user, domain);
    const authority = answer.kind === "subscriber" ? answer.settings.clientAuthority : undefined;
    if (answer.kind !== "subscriber" || authority === undefined) continue;
    if (answer.subscriber.username !== user || !counts(certificate, answer.subscriber) || !isIssuedBy(certificate, authority)) continue;
    const opened = await firstOpening(environment, answer.subscriber, (newest) => counts(certificate, newest));
    if (opened === undefined) continue;
    const { from: issued, until, hash } = certificate;
    const subscriber = { ...opened, opened: true };
    return connectDedicated(environment, { ...arrival, subscriber, isAuthenticated: true, byToken: { until, issued, hash } });
  }
  return undefined;
}

/** It was not revoked with the tokens of its user. */
function counts({ from }: ClientCertificate, { tokensSince = 0 }: Subscriber): boolean {
  return from >= tokensSince;
}
