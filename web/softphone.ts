import { accountOfPage, demoAccounts, isLocal, readAccount } from "./account.ts";
import { Phone } from "./phone.ts";
import { RingTone } from "./ring-tone.ts";
import type { PhoneState } from "./state.ts";
import { draw, drawClock, element } from "./view.ts";

const logLength = 40_000;
const tone = new RingTone();
let current: PhoneState | undefined;

const phone = new Phone(element<HTMLAudioElement>("remote"), (state) => {
  current = state;
  draw(state);
  if (state.call?.phase === "ringing") tone.start();
  else tone.stop();
});

const field = (id: string) => element<HTMLInputElement>(id);

function log(direction: "in" | "out", text: string): void {
  const shown = element("log");
  const masked = text.replace(/response="[^"]*"/g, 'response="***"');
  shown.textContent = `${direction === "in" ? "◀" : "▶"} ${masked}\n${shown.textContent}`.slice(0, logLength);
}

function register(): void {
  phone.register(readAccount(field("address").value, field("password").value, field("way").value, field("ice").value), log);
}

function fillIn(address: string, password: string): void {
  field("address").value = address;
  field("password").value = password;
}

element("account").addEventListener("submit", (event) => {
  event.preventDefault();
  register();
});
element("dial").addEventListener("submit", (event) => {
  event.preventDefault();
  phone.call(field("target").value);
});
const buttons = {
  unregister: () => phone.unregister(),
  answer: () => phone.answer(),
  reject: () => phone.reject(),
  hangup: () => phone.hangUp(),
  mute: () => phone.toggleMute(),
  hold: () => phone.toggleHold(),
};
for (const [id, press] of Object.entries(buttons)) element(id).addEventListener("click", press);
for (const key of "123456789*0#") {
  const button = document.createElement("button");
  button.textContent = key;
  button.addEventListener("click", () => phone.press(key));
  element("keys").append(button);
}

setInterval(() => {
  const since = current?.call?.since;
  if (since !== undefined) void phone.packetsReceived().then((packets) => drawClock(since, Date.now(), packets));
}, 500);

if (isLocal()) {
  const { usernames, domain, password } = demoAccounts;
  element("demo").hidden = false;
  for (const username of usernames) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = username;
    button.addEventListener("click", () => {
      fillIn(`${username}@${domain}`, password);
      register();
    });
    element("demo").append(button);
  }
}

const wanted = accountOfPage(location.search);
if (wanted !== undefined) {
  fillIn(wanted.account.address, wanted.account.password);
  field("way").value = wanted.account.way;
  field("ice").value = wanted.account.ice.join(" ");
  if (wanted.registersAtOnce) register();
}
