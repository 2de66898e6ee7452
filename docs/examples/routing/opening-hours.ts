import { WorkerEntrypoint } from "cloudflare:workers";
import type { Decision, IncomingCall } from "offhook/routing";

const days = new Set(["Mon", "Tue", "Wed", "Thu", "Fri"]);

/** Calls of customers go on from 9 to 17 o'clock on working days, and to the voice mail at other times. */
export class Router extends WorkerEntrypoint {
  route({ caller_kind, time }: IncomingCall): Decision {
    if (caller_kind === "user") return { action: "continue" };
    const parts = new Intl.DateTimeFormat("en-GB", {
      timeZone: "Europe/Berlin",
      weekday: "short",
      hour: "2-digit",
      hourCycle: "h23",
    }).formatToParts(new Date(time));
    const part = (type: string) => parts.find((one) => one.type === type)?.value ?? "";
    const hour = Number(part("hour"));
    if (days.has(part("weekday")) && hour >= 9 && hour < 17) return { action: "continue" };
    return { action: "ring", targets: [{ to: "voice-mail" }], headers: { "X-Closed": "yes" } };
  }
}
