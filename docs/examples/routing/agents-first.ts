import { WorkerEntrypoint } from "cloudflare:workers";
import type { Decision, IncomingCall } from "offhook/routing";

const agents = ["receptionist-bot"];
const people = ["bob", "carol"];

/** The software agent has ten seconds to answer a call to `sales`. After that, or if it refuses, two people ring, and then a mobile phone. */
export class Router extends WorkerEntrypoint {
  route({ dialled, id }: IncomingCall): Decision {
    if (dialled !== "sales") return { action: "continue" };
    return {
      action: "ring",
      targets: [
        ...agents.map((to) => ({ to, seconds: 10 })),
        ...people.map((to) => ({ to, after: 10 })),
        { to: "+4917012345", after: 40, any_caller: true },
      ],
      headers: { "X-Call": id },
    };
  }
}
