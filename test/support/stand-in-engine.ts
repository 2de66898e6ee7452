import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { listenOnOwnPort, portOf } from "./own-port.ts";
import { browserSdp, telephoneSdp } from "./session-descriptions.ts";

interface Command {
  readonly command: string;
  readonly "call-id": string;
  readonly "from-tag"?: string;
  readonly "to-tag"?: string;
  readonly "transport-protocol"?: string;
  readonly "rtcp-mux"?: readonly string[];
}

/** What speaks the NG protocol as an rtpengine, and only keeps the names of its sessions and their ends. */
export interface StandInEngine {
  readonly url: string;
  /** The tags of their ends by their names. */
  readonly sessions: Map<string, Set<string>>;
  /** The commands that it has had. */
  readonly commands: string[];
  /** Milliseconds before each answer. */
  delay: number;
  /** Commands that waited for their answer at one time. */
  maxAtOnce: number;
  close(): Promise<void>;
}

export async function startStandInEngine(): Promise<StandInEngine> {
  let underWay = 0;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", async () => {
      const body = Buffer.concat(parts).toString();
      const space = body.indexOf(" ");
      const command = JSON.parse(body.slice(space)) as Command;
      self.commands.push(command.command);
      underWay += 1;
      self.maxAtOnce = Math.max(self.maxAtOnce, underWay);
      if (self.delay > 0) await sleep(self.delay);
      underWay -= 1;
      response.end(`${body.slice(0, space)} ${JSON.stringify(answerTo(command, self.sessions))}`);
    });
  });
  await listenOnOwnPort(server);
  const self: StandInEngine = {
    url: `http://127.0.0.1:${portOf(server)}/ng`,
    sessions: new Map(),
    commands: [],
    delay: 0,
    maxAtOnce: 0,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return self;
}

function answerTo(asked: Command, sessions: StandInEngine["sessions"]): object {
  const { command, "call-id": name, "from-tag": from, "to-tag": to } = asked;
  if (command === "offer" && !sessions.has(name)) sessions.set(name, new Set());
  const tags = sessions.get(name);
  if (tags === undefined) return { result: "error", "error-reason": "Unknown call-id" };
  if (command === "offer" || command === "answer") for (const tag of [from, to]) if (tag !== undefined) tags.add(tag);
  if (command === "delete") sessions.delete(name);
  if (command === "query") return { result: "ok", tags: Object.fromEntries([...tags].map((tag) => [tag, {}])) };
  const isForTrunk = asked["transport-protocol"] === "RTP/AVP" || asked["rtcp-mux"]?.includes("demux") === true;
  return command === "offer" || command === "answer" ? { result: "ok", sdp: isForTrunk ? telephoneSdp() : browserSdp } : { result: "ok" };
}
