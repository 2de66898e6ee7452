/** Octets that may come without a message being complete: more is no SIP. */
const longestMessage = 131_072;

/**
 * Cuts a stream into messages by their Content-Length (RFC 3261 §18.3). One character for each octet. What stands between messages
 * as keep-alive (RFC 5626 §4.4.1) is told apart: a ping, CRLF CRLF, wants a pong.
 */
export class StreamReader {
  #rest = "";

  /**
   * @param octets one character for each
   * @returns undefined if the stream cannot be read on
   */
  read(octets: string): { readonly messages: readonly string[]; readonly pings: number } | undefined {
    this.#rest += octets;
    const messages: string[] = [];
    let pings = 0;
    for (;;) {
      while (this.#rest.startsWith("\r\n\r\n")) {
        pings += 1;
        this.#rest = this.#rest.slice(4);
      }
      if (this.#rest.startsWith("\r\n") && this.#rest.length > 2) {
        this.#rest = this.#rest.slice(2);
        continue;
      }
      const end = this.#rest.indexOf("\r\n\r\n");
      if (end < 0) return this.#rest.length > longestMessage ? undefined : { messages, pings };
      const length = contentLength(this.#rest.slice(0, end + 2));
      if (length === undefined || length > longestMessage) return undefined;
      if (this.#rest.length < end + 4 + length) return { messages, pings };
      messages.push(this.#rest.slice(0, end + 4 + length));
      this.#rest = this.#rest.slice(end + 4 + length);
    }
  }
}

/** RFC 3261 §20.14: it is mandatory on a stream; a message without it ends with its header. */
function contentLength(header: string): number | undefined {
  const written = /\r\n(?:content-length|l)[ \t]*:[ \t]*(\d*)[ \t]*\r\n/i.exec(header);
  if (written === null) return 0;
  return written[1] === "" ? undefined : Number(written[1]);
}
