import { once } from "node:events";
import { connect } from "node:net";
import { compose, newBranch } from "./compose.ts";
import { answerChallenge } from "./digest.ts";
import { type ReceivedMessage, headers, readReceivedMessage } from "./received-message.ts";

/** What comes on a connection, one message after the other. */
export async function openTcpLine(port: number) {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const closed = new Promise<void>((resolve) => {
    socket.once("close", () => resolve());
    // Cut by the other side while we write.
    socket.once("error", () => resolve());
  });
  let rest = "";
  const heard: ReceivedMessage[] = [];
  const waiting: (() => void)[] = [];
  socket.on("data", (octets) => {
    rest += octets.toString("latin1");
    for (let end = rest.indexOf("\r\n\r\n"); end >= 0; end = rest.indexOf("\r\n\r\n")) {
      if (end === 0) {
        rest = rest.slice(4);
        continue;
      }
      const length = Number(/\r\ncontent-length:\s*(\d+)/i.exec(rest.slice(0, end))?.[1]);
      if (rest.length < end + 4 + length) return;
      heard.push(readReceivedMessage(rest.slice(0, end + 4 + length), false));
      rest = rest.slice(end + 4 + length);
      for (const wake of waiting.splice(0)) wake();
    }
  });
  const next = async (match: (message: ReceivedMessage) => boolean): Promise<ReceivedMessage> => {
    for (;;) {
      const at = heard.findIndex(match);
      if (at >= 0) return heard.splice(at, 1)[0] as ReceivedMessage;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  return { socket, closed, next, send: (text: string) => socket.write(text) };
}

/** Registers an account of `localhost` on a connection, as a desk phone does. */
export async function registerTcpPhone(account: string, port: number) {
  const line = await openTcpLine(port);
  const { localPort } = line.socket;
  const register = (cseq: number, more: readonly string[]) =>
    line.send(
      compose("REGISTER sip:localhost SIP/2.0", [
        `Via: SIP/2.0/TCP 127.0.0.1:${localPort};branch=${newBranch()};rport`,
        "Max-Forwards: 70",
        `From: <sip:${account}@localhost>;tag=desk`,
        `To: <sip:${account}@localhost>`,
        `Call-ID: desk-${account}`,
        `CSeq: ${cseq} REGISTER`,
        `Contact: <sip:${account}@127.0.0.1:${localPort};transport=tcp>`,
        "Expires: 600",
        ...more,
      ]),
    );
  register(1, []);
  const challenge = await line.next(({ status }) => status === 401);
  const input = { method: "REGISTER", uri: "sip:localhost", username: account, password: "offhook" };
  register(2, [`Authorization: ${answerChallenge(headers(challenge, "www-authenticate"), input)}`]);
  const registered = await line.next(({ status }) => status === 200);
  return { ...line, challenge, registered, localPort };
}
