import { execFileSync } from "node:child_process";
import { createPrivateKey, sign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate of openssl's, with its private key. Both in PEM. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

interface Wanted {
  /** Who signs it; absent: itself. */
  readonly by?: Issued;
  /** Lines of the extensions in openssl's configuration. */
  readonly extensions: readonly string[];
  /** A section of them. */
  readonly sections?: readonly string[];
  readonly curve?: string;
  readonly days?: number;
  /** Its common name; a new one if absent. */
  readonly name?: string;
  /** Its private key; a new one if absent. */
  readonly key?: string;
}

let count = 0;

/** Makes a certificate by openssl. */
export function issue({ by, extensions, sections = [], curve = "prime256v1", days = 2, key, name }: Wanted): Issued {
  const folder = mkdtempSync(join(tmpdir(), "certificates-"));
  const run = (line: string) => execFileSync("openssl", line.split(" "), { cwd: folder, stdio: "pipe" });
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  count += 1;
  try {
    writeFileSync(join(folder, "config"), ["[made]", ...extensions, ...sections].join("\n"));
    if (key === undefined) run(`ecparam -name ${curve} -genkey -noout -out own.key`);
    else writeFileSync(join(folder, "own.key"), key);
    run(`req -new -key own.key -subj /CN=${name ?? `n${count}.example`} -out request`);
    if (by === undefined) {
      run(`x509 -req -in request -signkey own.key -days ${days} -extfile config -extensions made -out own.pem`);
    } else {
      writeFileSync(join(folder, "by.pem"), by.certificate);
      writeFileSync(join(folder, "by.key"), by.key);
      run(`x509 -req -in request -CA by.pem -CAkey by.key -CAcreateserial -days ${days} -extfile config -extensions made -out own.pem`);
    }
    return { certificate: read("own.pem"), key: read("own.key") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const tnAuthList = "1.3.6.1.5.5.7.1.26";
export const authority = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"];
const holder = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature"];

/** An authority that trusts itself. */
export const issueRoot = (name?: string): Issued => issue({ extensions: authority, ...(name === undefined ? {} : { name }) });

/** The certificate of a service provider (RFC 8226): it may sign for any number. */
export function issueProvider(by: Issued, more: Partial<Wanted> = {}): Issued {
  const extensions = [...holder, `${tnAuthList}=ASN1:SEQUENCE:numbers`];
  return issue({ by, extensions, sections: ["[numbers]", "one=EXP:0,IA5STRING:1234"], ...more });
}

/** A certificate for one number, and for ten that follow another one. */
export function issueForNumbers(by: Issued, one: string, start: string): Issued {
  const extensions = [...holder, `${tnAuthList}=ASN1:SEQUENCE:numbers`];
  const entries = ["[numbers]", `one=EXP:2,IA5STRING:${one}`, "more=EXP:1,SEQUENCE:range"];
  return issue({ by, extensions, sections: [...entries, "[range]", `start=IA5STRING:${start}`, "count=INTEGER:10"] });
}

/** The extensions of a certificate whose section `numbers` says for which numbers it is. */
export const oneNumber = [...holder, `${tnAuthList}=ASN1:SEQUENCE:numbers`];

/** An authority that may let others sign for one number only (RFC 9060). */
export function issueDelegate(by: Issued, one: string): Issued {
  const extensions = [...authority, `${tnAuthList}=ASN1:SEQUENCE:numbers`];
  return issue({ by, extensions, sections: ["[numbers]", `one=EXP:2,IA5STRING:${one}`] });
}

/** Without a list of numbers, as the certificate of a web server. */
export const issueWithoutNumbers = (by: Issued, key?: string): Issued =>
  issue({ by, extensions: holder, ...(key === undefined ? {} : { key }) });

const base64 = (value: object | string) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** Signs a PASSporT with openssl's key, without the code under test. */
export function signToken(header: object, claims: object | string, key: string): string {
  const text = `${base64(header)}.${base64(claims)}`;
  const signature = sign("sha256", Buffer.from(text), { key: createPrivateKey(key), dsaEncoding: "ieee-p1363" });
  return `${text}.${signature.toString("base64url")}`;
}

/** The value of an Identity header of the type `shaken`, and parts of it that are to be different. */
export function shakenIdentity(
  { key }: Issued,
  x5u: string,
  claims: { readonly from: string; readonly to: string; readonly iat: number; readonly attest?: string },
  header: object = {},
): string {
  const { from, to, iat, attest = "A" } = claims;
  const payload = { attest, dest: { tn: [to] }, iat, orig: { tn: from }, origid: "123e4567-e89b-12d3-a456-426655440000" };
  const token = signToken({ alg: "ES256", ppt: "shaken", typ: "passport", x5u, ...header }, payload, key);
  return `${token};info=<${x5u}>;alg=ES256;ppt="shaken"`;
}
