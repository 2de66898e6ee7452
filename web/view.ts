import { isFocusFree, keepFocus } from "./focus.ts";
import { drawList } from "./keyed-list.ts";
import type { ChatMessage } from "./phone/chat.ts";
import type { Contact } from "./phone/contacts.ts";
import type { Shown } from "./phone/presence-document.ts";
import { type Call, type Notice, type PhoneState, describeCall, describeConnection } from "./phone/state.ts";
import { english, fill } from "./phone/texts.ts";

/** The element with an id that `index.html` has. */
export function element<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as Kind;
}

/** Draws the state; it makes no decisions. */
export function draw({ connection, calls: [call], notice }: PhoneState): void {
  keepFocus(
    () => {
      const isRegistered = connection.kind === "registered";
      const isSignedIn = isRegistered || connection.kind === "connecting";
      const status = element("status");
      status.dataset["state"] = connection.kind;
      status.setAttribute("role", connection.kind === "failed" ? "alert" : "status");
      write(status, describeConnection(connection, english));
      element("account").hidden = isSignedIn || call !== undefined;
      element("unregister").hidden = !isSignedIn;
      // Text that the user writes must stay while the connection comes back.
      const isThere = isRegistered || (connection.kind === "connecting" && connection.isReconnecting);
      for (const id of ["phone", "chat", "presence"]) element(id).hidden = !isThere;
      element<HTMLButtonElement>("call").disabled = !isRegistered || call !== undefined;
      drawNotice(notice);
      drawCall(call, isRegistered);
    },
    ["session", "phone", "main"].map((id) => element(id)),
  );
}

export interface BuddyButtons {
  call(address: string): void;
  write(address: string): void;
  remove(address: string): void;
}

export function drawBuddies(buddies: readonly Contact[], press: BuddyButtons): void {
  drawList(
    element("buddies"),
    buddies.map(({ address, lamp, text }) => ({
      key: address,
      text: `${address}: ${text}`,
      data: { lamp, address },
      buttons: [
        ["☎\uFE0E", `Call ${address}`, () => press.call(address)],
        ["✉\uFE0E", `Write to ${address}`, () => press.write(address)],
        ["✕", `Remove ${address}`, () => press.remove(address)],
      ],
    })),
  );
}

/** Users who ask for permission to watch the user. */
export function drawRequests(pending: readonly string[], answer: (address: string, permission: "allow" | "block") => void): void {
  drawList(
    element("requests"),
    pending.map((address) => ({
      key: address,
      text: fill(english.presence.asks, { peer: address }),
      buttons: [
        ["Allow", `Allow ${address}`, () => answer(address, "allow")],
        ["Block", `Block ${address}`, () => answer(address, "block")],
      ],
    })),
  );
}

export function drawChat(messages: readonly ChatMessage[]): void {
  const list = element("messages");
  const isAtEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 4;
  drawList(
    list,
    messages.map(({ id, peer, direction, text, fate, isFailure }) => ({
      key: id,
      text: direction === "incoming" ? `${peer}: ${text}` : `To ${peer}: ${text}`,
      note: fate,
      data: { direction, failed: String(isFailure) },
    })),
  );
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}

/** The user's own activity, and what others see. */
export function drawOwnState(mood: string, seen: Shown | undefined): void {
  element<HTMLSelectElement>("mood").value = mood;
  write(element("seen"), seen === undefined ? "" : fill(english.presence.othersSee, { state: seen.text }));
  element("seen").dataset["lamp"] = seen?.lamp ?? "unknown";
}

function drawNotice({ text, isFailure }: Notice): void {
  const notice = element("notice");
  notice.dataset["failed"] = String(isFailure);
  write(notice, text);
}

function drawCall(call: Call | undefined, isConnected: boolean): void {
  const section = element("session");
  const hadCall = !section.hidden;
  section.hidden = call === undefined;
  document.title = call === undefined ? "Offhook" : `☎ ${call.peer} · Offhook`;
  if (call === undefined) return drawClock(undefined, 0, 0);
  section.dataset["phase"] = call.phase;
  write(element("peer"), call.peer);
  write(element("progress"), describeCall(call, english));
  write(element("pressed"), call.pressed);
  const isOffered = call.direction === "incoming" && call.phase === "ringing";
  const isTalking = call.phase === "talking";
  section.dataset["offered"] = String(isOffered);
  element("answer").hidden = !isOffered;
  element("reject").hidden = !isOffered;
  element("hangup").hidden = isOffered || call.phase === "ending";
  for (const id of ["mute", "hold", "keys"]) element(id).hidden = !isTalking;
  element<HTMLButtonElement>("hold").disabled = !isConnected;
  drawToggle("mute", call.isMuted, "Muted", "Mute");
  drawToggle("hold", call.isHeld, "Resume", "Hold");
  if (!hadCall && isOffered && isFocusFree()) element("answer").focus();
}

/** The duration of a call, as minutes and seconds. */
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
  write(button, isPressed ? on : off);
}

/** A text that stays the same is not announced again. */
function write(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}
