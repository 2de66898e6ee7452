/** The credentials of a connection: a bearer token, or the client certificate that the TLS at the edge has verified. */
export interface PresentedCredentials {
  readonly token?: string;
  /** SHA-256, lower-case hexadecimal digits. */
  readonly certificate?: string;
}

/**
 * Reads the credentials of an upgrade (RFC 6750 §2.1; mTLS, RFC 8446 §4.4.2). A certificate counts only if the edge reports it as valid.
 */
export function presentedBy(authorization: string | null, tls: TlsClientAuthentication | undefined): PresentedCredentials {
  const token = /^Bearer (\S+)$/i.exec(authorization ?? "")?.[1];
  const isGood = tls?.certVerified === "SUCCESS" && tls.certRevoked !== "1";
  return {
    ...(token === undefined ? {} : { token }),
    ...(isGood && tls.certFingerprintSHA256 ? { certificate: tls.certFingerprintSHA256.toLowerCase() } : {}),
  };
}

/** Of `request.cf.tlsClientAuth`. */
export interface TlsClientAuthentication {
  readonly certVerified?: string;
  readonly certRevoked?: string;
  readonly certFingerprintSHA256?: string;
  /** The certificate as RFC 9440 writes it: DER in Base64, between colons. */
  readonly certRFC9440?: string;
}
