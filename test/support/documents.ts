import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { XmlDocument, XmlValidateError, XsdValidator } from "libxml2-wasm";
import { xmlRegisterFsInputProviders } from "libxml2-wasm/lib/nodejs.mjs";
import { type ReceivedMessage, header } from "./received-message.ts";

/** The root elements that bodies of a type may have. */
const roots: Readonly<Record<string, readonly string[]>> = {
  "application/pidf+xml": ["{urn:ietf:params:xml:ns:pidf}presence"],
  "application/pidf-diff+xml": ["{urn:ietf:params:xml:ns:pidf-diff}pidf-full", "{urn:ietf:params:xml:ns:pidf-diff}pidf-diff"],
  "application/watcherinfo+xml": ["{urn:ietf:params:xml:ns:watcherinfo}watcherinfo"],
  "application/reginfo+xml": ["{urn:ietf:params:xml:ns:reginfo}reginfo"],
  "application/dialog-info+xml": ["{urn:ietf:params:xml:ns:dialog-info}dialog-info"],
  "application/rlmi+xml": ["{urn:ietf:params:xml:ns:rlmi}list"],
};

/** Throws if a notification carries a document that its schema does not allow, be it a part of several. */
export function checkNotification(heard: ReceivedMessage): void {
  const type = header(heard, "content-type");
  if (heard.method !== "NOTIFY" || type === undefined || heard.body === "") return;
  const body = heard.isBinary ? Buffer.from(heard.body, "latin1").toString("utf8") : heard.body;
  for (const part of partsOf(type, body)) {
    const wrong = faultOf(part.type, part.body);
    if (wrong !== undefined) throw new Error(`the server sent a document that is not valid: ${wrong}\n${part.body}`);
  }
}

/** What is wrong with a document of a type that there is a schema for; undefined if nothing is, or there is none. */
export function faultOf(type: string, body: string): string | undefined {
  const expected = roots[nameOf(type)];
  if (expected === undefined) return undefined;
  let document: XmlDocument;
  try {
    document = XmlDocument.fromString(body);
  } catch (error) {
    return `no XML: ${String(error)}`;
  }
  try {
    const root = `{${document.root.namespaceUri}}${document.root.name}`;
    if (!expected.includes(root)) return `${root} in ${nameOf(type)}`;
    validator().validate(document);
    return undefined;
  } catch (error) {
    if (!(error instanceof XmlValidateError)) throw error;
    return error.message;
  } finally {
    document.dispose();
  }
}

interface Part {
  readonly type: string;
  readonly body: string;
}

/** The parts of a multipart body (RFC 2046 §5.1), those of parts too; or the one that it is. */
function partsOf(type: string, body: string): readonly Part[] {
  const boundary = nameOf(type).startsWith("multipart/") ? /;\s*boundary="?([^";]+)"?/i.exec(type)?.[1] : undefined;
  if (boundary === undefined) return [{ type, body }];
  const pieces = `\r\n${body}`.split(`\r\n--${boundary}`).slice(1, -1);
  return pieces.flatMap((piece) => {
    const end = piece.indexOf("\r\n\r\n");
    const inner = /^content-type[ \t]*:[ \t]*(.*)$/im.exec(piece.slice(0, end))?.[1] ?? "text/plain";
    return partsOf(inner, piece.slice(end + 4));
  });
}

function nameOf(type: string): string {
  return type.split(";")[0]?.trim().toLowerCase() ?? "";
}

let made: XsdValidator | undefined;

/** Of all schemas together, so that one document may stand in another; made once, as that takes a while. */
function validator(): XsdValidator {
  if (made === undefined) {
    xmlRegisterFsInputProviders();
    const url = fileURLToPath(new URL("./schemas/all.xsd", import.meta.url).href);
    const schema = XmlDocument.fromBuffer(readFileSync(url), { url });
    made = XsdValidator.fromDoc(schema);
  }
  return made;
}
