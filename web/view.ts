import { type PhoneState, describeCall, describeConnection } from "./state.ts";

/** The element with an id that `index.html` has. */
export function element<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as Kind;
}

/** Draws the state; nothing here decides anything. */
export function draw({ connection, call, notice }: PhoneState): void {
  const status = element("status");
  status.textContent = describeConnection(connection);
  status.dataset["state"] = connection.kind;
  element("account").hidden = connection.kind === "registered" || connection.kind === "connecting";
  element("phone").hidden = connection.kind !== "registered" || call !== undefined;
  element("session").hidden = call === undefined;
  element("notice").textContent = notice;
  if (call === undefined) return;
  element("peer").textContent = call.peer;
  element("progress").textContent = describeCall(call);
  element("session").dataset["phase"] = call.phase;
  const isIncoming = call.direction === "incoming" && call.phase === "ringing";
  element("answer").hidden = !isIncoming;
  element("reject").hidden = !isIncoming;
  element("hangup").hidden = isIncoming;
  for (const id of ["mute", "hold", "keys"]) element(id).hidden = call.phase !== "confirmed";
  press("mute", call.isMuted, "Muted", "Mute");
  press("hold", call.isHeld, "Resume", "Hold");
}

/** The time a call has lasted, as minutes and seconds. */
export function drawClock(since: number | undefined, now: number, packets: number): void {
  const seconds = since === undefined ? 0 : Math.floor((now - since) / 1000);
  element("clock").textContent = since === undefined ? "" : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const shown = element("packets");
  shown.textContent = since === undefined ? "" : `${packets} audio packets received`;
  shown.dataset["packets"] = String(packets);
}

function press(id: string, isPressed: boolean, on: string, off: string): void {
  const button = element(id);
  button.setAttribute("aria-pressed", String(isPressed));
  button.textContent = isPressed ? on : off;
}
