import { accountOfPage, demoAccounts, isLocal, readAccount } from "./account.ts";
import { Buddies } from "./buddies.ts";
import { Phone } from "./phone.ts";
import { moods } from "./presence-document.ts";
import type { PhoneState } from "./state.ts";
import { Tones } from "./tones.ts";
import { draw, drawBuddies, drawClock, drawRequests, element } from "./view.ts";

/** Characters of SIP shown. */
const logLength = 40_000;

const tones = new Tones();
let current: PhoneState | undefined;

const buddies = new Buddies(
  (all) => drawBuddies(all, { call: (address) => phone.call(address), remove: (address) => buddies.remove(address) }),
  (pending) => drawRequests(pending, (address, permission) => void phone.decide(address, permission)),
);
const phone = new Phone(element<HTMLAudioElement>("remote"), buddies, (state) => {
  current = state;
  draw(state);
  if (state.call?.phase === "ringing") tones.play(state.call.direction === "incoming" ? "ring" : "ringback");
  else tones.stop("ring", "ringback");
});

const field = (id: string) => element<HTMLInputElement>(id);

element("account").addEventListener("submit", (event) => {
  event.preventDefault();
  register();
});
element("dial").addEventListener("submit", (event) => {
  event.preventDefault();
  phone.call(field("target").value.trim());
});
element("watch").addEventListener("submit", (event) => {
  event.preventDefault();
  const buddy = field("buddy");
  if (buddies.add(buddy.value)) buddy.value = "";
  else complain(buddy, "This is neither an address nor a user name");
});
for (const [activity, text] of Object.entries(moods)) element<HTMLSelectElement>("mood").add(new Option(text, activity));
element("mood").addEventListener("change", () => phone.say(field("mood").value));
const buttons = {
  unregister: () => phone.unregister(),
  answer: () => phone.session?.answer(),
  reject: () => phone.session?.reject(),
  hangup: () => phone.session?.hangUp(),
  mute: () => phone.session?.toggleMute(),
  hold: () => phone.session?.toggleHold(),
};
for (const [id, press] of Object.entries(buttons)) element(id).addEventListener("click", press);
for (const key of "123456789*0#") addButton("keys", key, () => phone.session?.press(key));
window.addEventListener("pagehide", () => phone.session?.leavePage());

setInterval(() => {
  const since = current?.call?.since;
  if (since !== undefined) void phone.session?.packetsReceived().then((packets) => drawClock(since, Date.now(), packets));
}, 500);

if (isLocal()) offerDemoAccounts();
if (!window.isSecureContext) element("notice").textContent = "Browsers give a page no microphone unless it comes by https.";
readAddressBar();

function register(): void {
  const account = readAccount(field("address").value, field("password").value, field("way").value, field("ice").value);
  phone.register(account, (direction, text) => {
    const log = element("log");
    log.textContent = `${direction === "in" ? "◀" : "▶"} ${text}\n${log.textContent}`.slice(0, logLength);
  });
}

function offerDemoAccounts(): void {
  const { usernames, domain, password } = demoAccounts;
  element("demo").hidden = false;
  for (const username of usernames) {
    addButton("demo-accounts", username, () => {
      fillIn(`${username}@${domain}`, password);
      register();
    });
  }
}

function readAddressBar(): void {
  const wanted = accountOfPage(location.search);
  if (wanted === undefined) return;
  fillIn(wanted.account.address, wanted.account.password);
  field("way").value = wanted.account.way;
  field("ice").value = wanted.account.ice.join(" ");
  if (wanted.registersAtOnce) register();
}

function fillIn(address: string, password: string): void {
  field("address").value = address;
  field("password").value = password;
}

/** Says what is wrong with a field, until it is changed. */
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
