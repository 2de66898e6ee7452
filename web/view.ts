import type { Buddy } from "./buddies.ts";
import { type Call, type PhoneState, describeCall, describeConnection } from "./state.ts";

/** The element with an id that `index.html` has. */
export function element<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as Kind;
}

/** Draws the state; nothing here decides anything. */
export function draw({ connection, call, notice }: PhoneState): void {
  const isSignedIn = connection.kind === "registered" || connection.kind === "connecting";
  const status = element("status");
  status.textContent = describeConnection(connection);
  status.dataset["state"] = connection.kind;
  element("account").hidden = isSignedIn || call !== undefined;
  element("unregister").hidden = !isSignedIn;
  element("phone").hidden = connection.kind !== "registered" || call !== undefined;
  element("presence").hidden = connection.kind !== "registered";
  element("notice").textContent = notice;
  drawCall(call, connection.kind === "registered");
}

export interface BuddyButtons {
  call(address: string): void;
  remove(address: string): void;
}

export function drawBuddies(buddies: readonly Buddy[], press: BuddyButtons): void {
  element("buddies").replaceChildren(
    ...buddies.map(({ address, lamp, text }) => {
      const item = line(`${address}: ${text}`, [
        ["Call", `Call ${address}`, () => press.call(address)],
        ["✕", `Remove ${address}`, () => press.remove(address)],
      ]);
      item.dataset["lamp"] = lamp;
      item.dataset["address"] = address;
      return item;
    }),
  );
}

/** Those who want to watch the user, and wait for his word. */
export function drawRequests(pending: readonly string[], answer: (address: string, permission: "allow" | "block") => void): void {
  element("requests").replaceChildren(
    ...pending.map((address) =>
      line(`${address} wants to see how you are`, [
        ["Allow", `Allow ${address}`, () => answer(address, "allow")],
        ["Block", `Block ${address}`, () => answer(address, "block")],
      ]),
    ),
  );
}

/** @param buttons what each shows, its full name, and what it does */
function line(text: string, buttons: readonly (readonly [string, string, () => void])[]): HTMLLIElement {
  const item = document.createElement("li");
  const shown = document.createElement("span");
  shown.textContent = text;
  item.append(shown);
  for (const [sign, name, press] of buttons) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = sign;
    button.title = name;
    button.setAttribute("aria-label", name);
    button.addEventListener("click", press);
    item.append(button);
  }
  return item;
}

function drawCall(call: Call | undefined, isConnected: boolean): void {
  const section = element("session");
  const hadCall = !section.hidden;
  section.hidden = call === undefined;
  document.title = call === undefined ? "Offhook" : `☎ ${call.peer} · Offhook`;
  if (call === undefined) {
    if (hadCall) element("target").focus();
    return drawClock(undefined, 0, 0);
  }
  section.dataset["phase"] = call.phase;
  element("peer").textContent = call.peer;
  element("progress").textContent = describeCall(call);
  const isOffered = call.direction === "incoming" && call.phase === "ringing";
  const isTalking = call.phase === "talking";
  element("answer").hidden = !isOffered;
  element("reject").hidden = !isOffered;
  element("hangup").hidden = isOffered || call.phase === "ending";
  for (const id of ["mute", "hold", "keys"]) element(id).hidden = !isTalking;
  element<HTMLButtonElement>("hold").disabled = !isConnected;
  drawToggle("mute", call.isMuted, "Muted", "Mute");
  drawToggle("hold", call.isHeld, "Resume", "Hold");
  if (!hadCall) element(isOffered ? "answer" : "hangup").focus();
}

/** The time a call has lasted, as minutes and seconds. */
export function drawClock(since: number | undefined, now: number, packets: number): void {
  const seconds = since === undefined ? 0 : Math.floor((now - since) / 1000);
  element("clock").textContent = since === undefined ? "" : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const shown = element("packets");
  shown.textContent = since === undefined ? "" : `· ${packets} audio packets received`;
  shown.dataset["packets"] = String(packets);
}

function drawToggle(id: string, isPressed: boolean, on: string, off: string): void {
  const button = element(id);
  button.setAttribute("aria-pressed", String(isPressed));
  button.textContent = isPressed ? on : off;
}
