/**
 * Whether a final response to a BYE means that the dialog is over at the end that sends it: it was accepted, or that end knows no such
 * dialog any more, or could not be reached (RFC 3261 §15.1.2, §12.2.1.2). After any other refusal the call goes on there.
 */
export function endsDialog(status: number): boolean {
  return status < 300 || over.includes(status);
}

const over = [404, 408, 410, 416, 430, 480, 481, 482, 483, 484, 485, 502, 604];
