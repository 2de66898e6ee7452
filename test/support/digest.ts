import { createHash, randomBytes } from "node:crypto";

type Algorithm = "MD5" | "SHA-256";

export interface DigestInput {
  readonly method: string;
  readonly uri: string;
  readonly username: string;
  readonly password: string;
  /** Which of the challenges is answered; the stock phones know only MD5. */
  readonly algorithm?: Algorithm;
  /** How often this nonce was used before, plus one. */
  readonly count?: number;
  /** Laid over the parameters that are sent, for lies. */
  readonly lies?: Readonly<Record<string, string>>;
}

/** The value of an Authorization header for one of the challenges (RFC 7616 §3.4). */
export function answerChallenge(challenges: readonly string[], input: DigestInput): string {
  const algorithm = input.algorithm ?? "MD5";
  const digests = challenges.filter((value) => /^Digest /i.test(value)).map(readChallenge);
  const challenge = digests.find((candidate) => (candidate["algorithm"] ?? "MD5") === algorithm);
  if (challenge === undefined) throw new Error(`no challenge for ${algorithm} among ${JSON.stringify(challenges)}`);
  const realm = challenge["realm"] ?? "";
  const nonce = challenge["nonce"] ?? "";
  const count = (input.count ?? 1).toString(16).padStart(8, "0");
  const cnonce = randomBytes(8).toString("hex");
  const hash = (text: string): string =>
    createHash(algorithm === "MD5" ? "md5" : "sha256")
      .update(text)
      .digest("hex");
  const first = hash(`${input.username}:${realm}:${input.password}`);
  const second = hash(`${input.method}:${input.uri}`);
  const opaque = challenge["opaque"] === undefined ? {} : { opaque: challenge["opaque"] };
  const parameters: Record<string, string> = {
    username: input.username,
    realm,
    nonce,
    uri: input.uri,
    response: hash(`${first}:${nonce}:${count}:${cnonce}:auth:${second}`),
    algorithm,
    qop: "auth",
    nc: count,
    cnonce,
    ...opaque,
    ...input.lies,
  };
  return `Digest ${Object.entries(parameters).map(writeParameter).join(", ")}`;
}

/** The parameters of a challenge, unquoted. */
export function readChallenge(challenge: string): Record<string, string> {
  const found = challenge.matchAll(/([a-z]+)=(?:"([^"]*)"|([^,\s]+))/gi);
  return Object.fromEntries([...found].map(([, name = "", quoted, token]) => [name.toLowerCase(), quoted ?? token ?? ""]));
}

const unquoted = new Set(["algorithm", "qop", "nc"]);

function writeParameter([name, value]: readonly [string, string]): string {
  return unquoted.has(name) ? `${name}=${value}` : `${name}="${value}"`;
}
