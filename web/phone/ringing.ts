import type { Call } from "./state.ts";
import type { Tones } from "./tones.ts";

type RingingCall = Pick<Call, "phase" | "direction" | "isHeld" | "hasEarlyMedia">;

/** Plays what the calls are to sound like until they are answered. A call that comes during another one only knocks. */
export function ringFor(calls: readonly RingingCall[], tones: Pick<Tones, "play" | "stop">): void {
  const ringing = calls.filter(({ phase }) => phase === "ringing");
  const isTalking = calls.some(({ phase, isHeld }) => phase === "talking" && !isHeld);
  const placed = ringing.find(({ direction }) => direction === "outgoing");
  if (ringing.some(({ direction }) => direction === "incoming")) tones.play(isTalking ? "waiting" : "ring");
  else if (placed !== undefined && !placed.hasEarlyMedia) tones.play("ringback");
  else if (calls.length === 0 || placed !== undefined) tones.stop("ring", "ringback", "waiting");
  else tones.stop();
}
