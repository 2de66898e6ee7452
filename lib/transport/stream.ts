/** Maximum octets of a header whose end has not arrived: more is not SIP. The same for a body. */
const maxPart = 131_072;

/** What has arrived on a stream. One character for each octet. */
export interface StreamPart {
  readonly messages: readonly string[];
  /** CRLF CRLF between messages, each of which requires a pong (RFC 5626 §4.4.1). */
  readonly pings: number;
  /** If the stream can no longer be read: the header of the message whose end is unknown, "" if the header is incomplete. */
  readonly broken?: string;
}

/** A message whose header is complete. */
interface Begun {
  /** Octets, header and body. */
  readonly length: number;
}

/**
 * Cuts a stream into messages by their Content-Length (RFC 3261 §18.3). Keep-alives between messages (RFC 5626 §4.4.1) are returned
 * separately. It buffers at most one message, and reads each octet once, however small the chunks are.
 */
export class StreamReader {
  /** Read only when more of it can be: the engine joins strings that are not read without copying them. */
  #rest = "";
  /** Its last three octets. */
  #tail = "";
  /** The rest begins with an incomplete header. */
  #isHeader = false;
  #begun: Begun | undefined;

  /** @param octets one character for each */
  read(octets: string): StreamPart {
    const seam = this.#tail + octets;
    this.#tail = seam.slice(-3);
    this.#rest += octets;
    return this.#isIncomplete(seam) ? { messages: [], pings: 0 } : this.#cut();
  }

  #isIncomplete(seam: string): boolean {
    if (this.#begun !== undefined) return this.#rest.length < this.#begun.length;
    return this.#isHeader && this.#rest.length <= maxPart && !seam.includes("\r\n\r\n");
  }

  #cut(): StreamPart {
    const messages: string[] = [];
    let pings = 0;
    let at = 0;
    let broken: string | undefined;
    while (broken === undefined) {
      if (this.#begun === undefined) {
        for (; this.#rest.startsWith("\r\n", at); at += 2) {
          if (!this.#rest.startsWith("\r\n\r\n", at)) {
            // It may be the start of a ping.
            if (this.#rest.length - at < 4 && "\r\n\r\n".startsWith(this.#rest.slice(at))) break;
            continue;
          }
          pings += 1;
          at += 2;
        }
        broken = this.#begin(at);
      }
      const { length } = this.#begun ?? { length: Number.POSITIVE_INFINITY };
      if (this.#rest.length - at < length) break;
      messages.push(this.#rest.slice(at, at + length));
      at += length;
      this.#begun = undefined;
    }
    this.#rest = this.#rest.slice(at);
    return broken === undefined ? { messages, pings } : { messages, pings, broken };
  }

  /** Reads the header that begins there, if it is complete; returns it if the stream cannot be read on. */
  #begin(at: number): string | undefined {
    const end = this.#rest.indexOf("\r\n\r\n", at);
    this.#isHeader = end < 0 && !"\r\n\r\n".startsWith(this.#rest.slice(at, at + 4));
    if ((end < 0 ? this.#rest.length : end) - at > maxPart) return "";
    if (end <= at) return undefined;
    const header = this.#rest.slice(at, end + 4);
    const length = contentLength(header);
    if (length === undefined || length > maxPart) return header;
    this.#begun = { length: header.length + length };
    return undefined;
  }
}

/** RFC 3261 §20.14: it is mandatory on a stream. Undefined if it is missing, not a number, or repeated with another value. */
function contentLength(header: string): number | undefined {
  const written = [...header.matchAll(/\r\n(?:content-length|l)[ \t]*:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)/gi)].map(([, value = ""]) =>
    value.trim(),
  );
  const [first = ""] = written;
  return /^\d{1,9}$/.test(first) && written.every((other) => other === first) ? Number(first) : undefined;
}

/**
 * A message as it is written to a stream, where its reader finds the next one by Content-Length (RFC 3261 §18.3). Content-Length is
 * recomputed from the octets, whatever the sender wrote or omitted. A keep-alive is not changed.
 */
export function framed(octets: string): string {
  const end = octets.indexOf("\r\n\r\n");
  if (end <= 0) return octets;
  const head = octets.slice(0, end);
  const length = octets.length - end - 4;
  if (contentLength(`${head}\r\n`) === length) return octets;
  return `${head.replaceAll(lengthLines, "")}\r\nContent-Length: ${length}${octets.slice(end)}`;
}

const lengthLines = /\r\n(?:content-length|l)[ \t]*:[^\r\n]*(?:\r\n[ \t][^\r\n]*)*/gi;
