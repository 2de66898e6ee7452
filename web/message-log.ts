import type { WebSocketInterface } from "jssip";

/** Gets every message; the answers to challenges are not shown. */
export type Log = (direction: "in" | "out", text: string) => void;

type Received = string | ArrayBufferLike | Blob | ArrayBufferView;

/** A JsSIP socket whose messages are also shown. */
export function logged(socket: WebSocketInterface, log: Log): WebSocketInterface {
  const show = (direction: "in" | "out", message: Received) => log(direction, String(message).replace(/response="[^"]*"/g, 'response="…"'));
  const send = socket.send.bind(socket);
  socket.send = (message) => {
    show("out", message);
    return send(message);
  };
  let receive: ((message: Received) => void) | undefined;
  Object.defineProperty(socket, "ondata", {
    get: () => receive,
    set: (listener: (message: Received) => void) => {
      receive = (message) => {
        show("in", message);
        listener(message);
      };
    },
  });
  return socket;
}
