/** Octets that may come without a message being complete: more is no SIP. */
const longestMessage = 131_072;

/** What has come on a stream. One character for each octet. */
export interface StreamPart {
  readonly messages: readonly string[];
  /** CRLF CRLF between messages, each of which wants a pong (RFC 5626 §4.4.1). */
  readonly pings: number;
  /** If the stream cannot be read on: the header of the message whose end is not known, "" if there is not even that. */
  readonly broken?: string;
}

/**
 * Cuts a stream into messages by their Content-Length (RFC 3261 §18.3). What stands between messages as keep-alive (RFC 5626 §4.4.1)
 * is told apart.
 */
export class StreamReader {
  #rest = "";

  /** @param octets one character for each */
  read(octets: string): StreamPart {
    this.#rest += octets;
    const messages: string[] = [];
    let pings = 0;
    for (;;) {
      while (this.#rest.startsWith("\r\n\r\n")) {
        pings += 1;
        this.#rest = this.#rest.slice(4);
      }
      // It may be the beginning of a ping.
      if ("\r\n\r\n".startsWith(this.#rest)) return { messages, pings };
      if (this.#rest.startsWith("\r\n")) {
        this.#rest = this.#rest.slice(2);
        continue;
      }
      const end = this.#rest.indexOf("\r\n\r\n");
      if (end < 0) return this.#rest.length > longestMessage ? { messages, pings, broken: "" } : { messages, pings };
      const header = this.#rest.slice(0, end + 4);
      const length = contentLength(header);
      if (length === undefined || length > longestMessage) return { messages, pings, broken: header };
      if (this.#rest.length < header.length + length) return { messages, pings };
      messages.push(this.#rest.slice(0, header.length + length));
      this.#rest = this.#rest.slice(header.length + length);
    }
  }
}

/** RFC 3261 §20.14: it is mandatory on a stream. Undefined if it is not there, is no number, or is there twice and not the same. */
function contentLength(header: string): number | undefined {
  const written = [...header.matchAll(/\r\n(?:content-length|l)[ \t]*:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)/gi)].map(([, value = ""]) =>
    value.trim(),
  );
  const [first = ""] = written;
  return /^\d{1,9}$/.test(first) && written.every((other) => other === first) ? Number(first) : undefined;
}

/**
 * A message as it goes onto a stream, where its Content-Length is what its reader finds the next one by (RFC 3261 §18.3): the octets that are
 * written, whatever its sender has counted, or has not said. A keep-alive stays what it is.
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
