import { escape } from "./xml.ts";

/** A resource in a notification of its list. */
export interface ResourceView {
  readonly uri: string;
  readonly name?: string | undefined;
  /** Undefined while its state is unknown (RFC 4662 §4.5). */
  readonly instance: InstanceView | undefined;
}

/** The only source of a resource's state (RFC 4662 §5.5): requests for it are not forked. */
export interface InstanceView {
  readonly id: string;
  readonly state: "active" | "pending" | "terminated";
  /** If it is terminated (RFC 6665 §4.1.3). */
  readonly reason: string | undefined;
  readonly body: Body | undefined;
}

interface Body {
  readonly type: string;
  readonly text: string;
}

export interface ListView {
  readonly uri: string;
  readonly name: string | undefined;
  readonly version: number;
  readonly isFull: boolean;
  readonly resources: readonly ResourceView[];
  /** Makes the names of the parts unique (RFC 2392): from the subscription, and not guessable. */
  readonly id: string;
  readonly host: string;
}

/** The body of a list's notification (RFC 4662 §5): multipart/related, the RLMI document first, then the states that it names. */
export function listBody(list: ListView): Body {
  const name = (part: number): string => `${list.id}.${list.version}.${part}@${list.host}`;
  const bodies: Body[] = [];
  const resources = list.resources.map((resource) => {
    const body = resource.instance?.body;
    if (body === undefined) return resourceElement(resource, undefined);
    bodies.push(body);
    return resourceElement(resource, name(bodies.length));
  });
  const attributes = `uri="${escape(list.uri)}" version="${list.version}" fullState="${list.isFull}"`;
  const content = `${nameElement(list.name)}${resources.join("")}`;
  const rlmi = `<?xml version="1.0" encoding="UTF-8"?>\r\n<list xmlns="urn:ietf:params:xml:ns:rlmi" ${attributes}>${content}</list>\r\n`;
  const parts = [{ type: 'application/rlmi+xml;charset="UTF-8"', text: rlmi }, ...bodies];
  const boundary = unusedIn(parts, `${list.id}-${list.version}`);
  const text = parts.map((part, index) => `--${boundary}\r\n${partOf(part, name(index))}\r\n`).join("");
  const type = `multipart/related;type="application/rlmi+xml";start="<${name(0)}>";boundary="${boundary}"`;
  return { type, text: `${text}--${boundary}--\r\n` };
}

function partOf({ type, text }: Body, name: string): string {
  return `Content-Transfer-Encoding: binary\r\nContent-ID: <${name}>\r\nContent-Type: ${type}\r\n\r\n${text}`;
}

function resourceElement({ uri, name, instance }: ResourceView, cid: string | undefined): string {
  return `<resource uri="${escape(uri)}">${nameElement(name)}${instance === undefined ? "" : instanceElement(instance, cid)}</resource>`;
}

function instanceElement({ id, state, reason }: InstanceView, cid: string | undefined): string {
  const why = state === "terminated" ? ` reason="${escape(reason ?? "noresource")}"` : "";
  return `<instance id="${escape(id)}" state="${state}"${why}${cid === undefined ? "" : ` cid="${escape(cid)}"`}/>`;
}

function nameElement(name: string | undefined): string {
  return name === undefined ? "" : `<name>${escape(printable(name))}</name>`;
}

/** Without the characters that XML does not allow (XML 1.0 §2.2). */
function printable(text: string): string {
  return [...text.toWellFormed()].filter((character) => character >= " " && character !== "\uFFFE" && character !== "\uFFFF").join("");
}

/** RFC 2046 §5.1.1: no part may contain the boundary. */
function unusedIn(parts: readonly Body[], boundary: string): string {
  return parts.some(({ text }) => text.includes(boundary)) ? unusedIn(parts, `${boundary}.`) : boundary;
}
