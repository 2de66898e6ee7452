import { accountOfPage, demoAccounts, isLocal, readAccount } from "./account.ts";
import { openKeypad } from "./keypad.ts";
import { Chat } from "./phone/chat.ts";
import { Contacts } from "./phone/contacts.ts";
import { OwnState } from "./phone/own-state.ts";
import { Phone } from "./phone/phone.ts";
import { moods } from "./phone/presence-document.ts";
import {
  type Written,
  forgetForPush,
  instanceOfTab,
  remember,
  rememberForPush,
  remembered,
  rememberedForPush,
} from "./phone/remembered.ts";
import { watchReloads } from "./phone/reloading.ts";
import { ringFor } from "./phone/ringing.ts";
import { describeLostCall } from "./phone/state.ts";
import { english } from "./phone/texts.ts";
import { Tones } from "./phone/tones.ts";
import { subscribeToPush, supportsPush } from "./phone/web-push.ts";
import { draw, drawBuddies, drawChat, drawClock, drawOwnState, drawRequests, element } from "./view.ts";

/** Characters of the SIP log. */
const logLength = 40_000;

const instance = await instanceOfTab();
const isReloading = watchReloads(() => performance.now());
const tones = new Tones();
let packets = 0;
/** Of the account that signed in last: the form may have another one by now. */
let signedIn = "";

const buddies = new Contacts(
  english,
  (all) => drawBuddies(all, { call: (address) => void phone.call(address), write: writeTo, remove: (address) => buddies.remove(address) }),
  (pending) => drawRequests(pending, (address, permission) => void phone.decide(address, permission)),
);
const chat = new Chat(english, drawChat, ({ peer }) => {
  if (field("to").value === "") field("to").value = peer;
  if (!tones.isPlaying) tones.play("message");
});
const ownState = new OwnState(english, drawOwnState);
const phone = new Phone({
  instance,
  companions: [buddies, chat, ownState],
  maxCalls: 1,
  audio: () => element<HTMLAudioElement>("remote"),
});
phone.on("changed", (state) => {
  draw(state);
  ringFor(state.calls, tones);
});
phone.on("ended", ({ ending: { tone } }) => {
  packets = 0;
  if (tone !== undefined) tones.play(tone);
});
phone.on("refused", () => {
  remember("account", undefined);
  forgetForPush(signedIn);
});
phone.on("measured", ({ quality }) => (packets = quality.packetsReceived));

onSubmit("account", () => {
  void register();
});
onSubmit("dial", () => {
  void dial();
});
onSubmit("watch", () => {
  const buddy = field("buddy");
  if (buddies.add(buddy.value)) buddy.value = "";
  else complain(buddy, "This is neither an address nor a user name");
});
onSubmit("write", () => {
  const [to, text] = [field("to"), field("text")];
  if (chat.send(to.value.trim(), text.value)) text.value = "";
  else complain(to, "This is neither an address nor a user name");
});
for (const mood of moods) element<HTMLSelectElement>("mood").add(new Option(english.presence[mood], mood));
element("mood").addEventListener("change", () => ownState.say(field("mood").value));
const buttons = {
  unregister: () => {
    remember("account", undefined);
    forgetForPush(signedIn);
    phone.signOut();
  },
  answer: () => phone.answer(),
  reject: () => phone.line()?.reject(),
  hangup: () => phone.line()?.hangUp(),
  mute: () => phone.line()?.toggleMute(),
  hold: () => phone.line()?.toggleHold(),
};
for (const [id, press] of Object.entries(buttons)) element(id).addEventListener("click", press);
openKeypad(
  (key, press) => addButton("keys", key, press),
  (key) => phone.line()?.press(key),
);
window.addEventListener("pagehide", () => remember("call", phone.leavePage(isReloading())));
// A page from the browser's cache has already signed out: it is loaded again.
window.addEventListener("pageshow", ({ persisted }) => {
  if (persisted) location.reload();
});

setInterval(() => {
  const since = phone.line()?.call.since;
  if (since !== undefined) drawClock(since, Date.now(), packets);
}, 500);

if (isLocal()) offerDemoAccounts();
if (!window.isSecureContext) phone.tell("Browsers allow the microphone only on https pages.");
begin();

/** Signs in with the account in the page's address, or as before a reload, and shows what became of the previous call. */
function begin(): void {
  const [wanted, lost] = [accountOfPage(location.search), remembered("call")];
  const before = remembered("account") ?? rememberedForPush();
  element("push-label").hidden = !supportsPush();
  remember("call", undefined);
  // A password must not stay in the address bar or in the history.
  if (wanted !== undefined) history.replaceState(null, "", location.pathname);
  const written = wanted?.written ?? before;
  if (written === undefined) return;
  fillIn(written);
  field("push").checked = rememberedForPush()?.address === written.address;
  if (wanted?.registersAtOnce ?? true) void register();
  if (lost !== undefined) phone.tell(describeLostCall(lost, english));
}

async function register(): Promise<void> {
  const [address = "", password = "", way = "", ice = ""] = ["address", "password", "way", "ice"].map((id) => field(id).value);
  const written = { address, password, way, ice };
  field("ice").setCustomValidity("");
  const account = readAccount(written);
  if ("fault" in account) {
    element<HTMLDetailsElement>("connection").open = true;
    phone.refuse(account.fault);
    return complain(field("ice"), account.fault);
  }
  remember("account", written);
  signedIn = address;
  const push = field("push").checked ? await subscribeToPush(account, "/offhook-push.js") : undefined;
  const isWoken = push !== undefined && typeof push !== "string";
  if (isWoken) rememberForPush(written);
  else if (push !== "failed") forgetForPush(address);
  phone.signIn(isWoken ? { ...account, push } : account, (direction, text) => {
    const log = element("log");
    log.textContent = `${direction === "in" ? "◀" : "▶"} ${text}\n${log.textContent}`.slice(0, logLength);
  });
  if (typeof push === "string") phone.tell(english.push[push]);
}

async function dial(): Promise<void> {
  await phone.call(field("target").value.trim());
  if (phone.line() !== undefined) element("session").focus({ preventScroll: true });
}

function writeTo(address: string): void {
  field("to").value = address;
  field("text").focus();
}

function offerDemoAccounts(): void {
  const { usernames, domain, password } = demoAccounts;
  element("demo").hidden = false;
  for (const username of usernames) {
    addButton("demo-accounts", username, () => {
      fillIn({ address: `${username}@${domain}`, password, way: field("way").value, ice: field("ice").value });
      void register();
    });
  }
}

function fillIn({ address, password, way, ice }: Written): void {
  for (const [id, value] of Object.entries({ address, password, way, ice })) field(id).value = value;
}

function field(id: string): HTMLInputElement {
  return element<HTMLInputElement>(id);
}

function onSubmit(id: string, submit: () => void): void {
  element(id).addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
}

/** Shows what is wrong with a field, until it is changed. */
function complain(input: HTMLInputElement, what: string): void {
  input.setCustomValidity(what);
  input.reportValidity();
  input.addEventListener("input", () => input.setCustomValidity(""), { once: true });
}

function addButton(place: string, text: string, press: () => void): void {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = text;
  button.addEventListener("click", press);
  element(place).append(button);
}
