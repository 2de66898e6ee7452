import { closeCodeFor } from "./close-code.ts";

/**
 * Answers the Close frame on a hibernating socket, which the platform does not do by itself. A connection that has failed needs no
 * answer.
 */
export function closeBack(socket: WebSocket, code: number): void {
  try {
    socket.close(closeCodeFor(code));
  } catch (error) {
    if (!(error instanceof Error) || socket.readyState === WebSocket.OPEN) throw error;
  }
}
