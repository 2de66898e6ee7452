import { once } from "node:events";
import { WebSocket } from "ws";
import { answerChallenge } from "../test/support/digest.ts";
import { between, dialogFrame, registerFrame, replyFrame, requestFrame, type FromToHeader } from "./frames.ts";
import { offer } from "./messages.ts";

/** One end of a pair: its name, its socket, and what it does with a frame. */
export interface End {
  readonly party: FromToHeader;
  readonly socket: WebSocket;
  hear: (frame: string) => void;
}

export interface Pair {
  readonly alice: End;
  readonly bob: End;
}

/** How a server wants its frames: Offhook as they are, the floor with an order in front. */
export type Dress = (order: string, to: FromToHeader, frame: string) => string;

/** Starts one operation of a pair and says when it is done. */
export type Operation = (pair: Pair, dress: Dress, serial: number, done: () => void) => void;

export const operations: Readonly<Record<string, Operation>> = {
  "REGISTER refresh": ({ alice }, dress, serial, done) => {
    alice.hear = done;
    alice.socket.send(dress("R", alice.party, registerFrame(alice.party, serial)));
  },
  MESSAGE: ({ alice, bob }, dress, serial, done) => {
    alice.hear = done;
    bob.hear = (frame) => bob.socket.send(dress("M", alice.party, replyFrame(frame, "200 OK", bob.party)));
    alice.socket.send(dress("M", bob.party, requestFrame("MESSAGE", alice.party, bob.party, serial)));
  },
  call: ({ alice, bob }, dress, serial, done) => {
    alice.hear = (frame) => {
      const cseq = between(frame, "CSeq: ", "\r\n");
      if (cseq === "2 BYE") return done();
      if (!between(frame, "SIP/2.0 ", "\r\n").startsWith("200")) return;
      alice.socket.send(dress("A", bob.party, dialogFrame("ACK", alice.party, bob.party, serial, frame)));
      alice.socket.send(dress("M", bob.party, dialogFrame("BYE", alice.party, bob.party, serial, frame)));
    };
    bob.hear = (frame) => {
      const cseq = between(frame, "CSeq: ", "\r\n");
      if (cseq === "1 INVITE") {
        bob.socket.send(dress("M", alice.party, replyFrame(frame, "180 Ringing", bob.party)));
        bob.socket.send(dress("O", alice.party, replyFrame(frame, "200 OK", bob.party, offer)));
      } else if (cseq === "2 BYE") bob.socket.send(dress("M", alice.party, replyFrame(frame, "200 OK", bob.party)));
    };
    alice.socket.send(dress("I", bob.party, requestFrame("INVITE", alice.party, bob.party, serial)));
  },
};

let serial = 10;

/**
 * Keeps every pair busy with one operation after the other for so long.
 * @returns how many operations were done, and in how many milliseconds
 */
export async function drive(
  operation: Operation,
  pairs: readonly Pair[],
  dress: Dress,
  milliseconds: number,
): Promise<{ operations: number; milliseconds: number }> {
  const start = performance.now();
  let operations = 0;
  const busy = pairs.map(
    (pair) =>
      new Promise<void>((resolve, reject) => {
        const stuck = setTimeout(() => reject(new Error("an operation did not come to its end")), milliseconds + 10_000);
        const next = (): void => {
          if (performance.now() - start < milliseconds) return operation(pair, dress, (serial += 1), count);
          clearTimeout(stuck);
          resolve();
        };
        const count = (): void => {
          operations += 1;
          next();
        };
        next();
      }),
  );
  await Promise.all(busy);
  return { operations, milliseconds: performance.now() - start };
}

export async function connect(url: string, party: FromToHeader): Promise<End> {
  const socket = new WebSocket(url, "sip", { perMessageDeflate: false });
  await once(socket, "open");
  const end: End = { party, socket, hear: () => {} };
  socket.on("message", (octets: Buffer) => {
    const frame = octets.toString("latin1");
    // The server asks whether a client reads that it has sent a lot.
    if (frame.startsWith("OPTIONS ")) socket.send(answerFrame(frame));
    else end.hear(frame);
  });
  return end;
}

/** 200 to a request, whatever the order of its headers. */
function answerFrame(request: string): string {
  const copied = request.split("\r\n").filter((line) => /^(?:Via|From|To|Call-ID|CSeq):/.test(line));
  return ["SIP/2.0 200 OK", ...copied, "Content-Length: 0", "", ""].join("\r\n");
}

/**
 * Registers an end at Offhook, where only those who have authenticated may do anything.
 * @param cseq of the first of two requests; higher each time (RFC 3261 §10.2.4)
 */
export async function register({ party, socket }: End, password: string, cseq: number): Promise<void> {
  socket.send(registerFrame(party, cseq));
  const [challenge] = (await once(socket, "message")) as [Buffer];
  const challenges = challenge
    .toString()
    .split("\r\n")
    .filter((line) => line.startsWith("WWW-Authenticate: "));
  const credentials = { method: "REGISTER", uri: "sip:localhost", username: party.user, password };
  socket.send(
    registerFrame(
      party,
      cseq + 1,
      answerChallenge(
        challenges.map((line) => line.slice(18)),
        credentials,
      ),
    ),
  );
  const [answer] = (await once(socket, "message")) as [Buffer];
  if (!answer.toString().startsWith("SIP/2.0 200")) throw new Error(`${party.user} could not register: ${answer.toString()}`);
}
