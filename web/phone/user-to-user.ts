/** Of the information and its parameters. */
const maxText = 1000;

/**
 * The text in the headers User-to-User of an INVITE (RFC 7433): of the first that has hexadecimal digits, without the ISDN protocol
 * discriminator (00: a protocol between users; 04: letters). Undefined if there is none, or it is no UTF-8. What is in it is text of others:
 * show it as text only.
 */
export function readUserToUser(values: readonly string[]): string | undefined {
  for (const value of values.flatMap((line) => line.slice(0, maxText).split(","))) {
    const [information = "", ...parameters] = value.split(";").map((part) => part.trim());
    const digits = information.replace(/^"(.*)"$/, "$1");
    if (!/^(?:[0-9a-f]{2})+$/i.test(digits) || !parameters.some((one) => /^encoding\s*=\s*"?hex"?$/i.test(one))) continue;
    const octets = Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
    return decoded(octets[0] === 0 || octets[0] === 4 ? octets.subarray(1) : octets);
  }
  return undefined;
}

function decoded(octets: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(octets);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return undefined;
  }
}
