import type { Ending } from "../phone/endings.ts";
import { readIceServers } from "../phone/ice-servers.ts";
import { Tones } from "../phone/tones.ts";
import { tokenForPerson } from "./person.ts";
import { style } from "./style.ts";
import { VisitorCall, type VisitorPhase } from "./visitor-call.ts";

/** The script's own address: the server that it came from is the one to call. */
const script = (document.currentScript as HTMLScriptElement | null)?.src ?? "";

const words: Readonly<Record<VisitorPhase, string>> = { calling: "Connecting…", ringing: "Ringing…", talking: "In a call" };

/**
 * `<offhook-call to="sip:support@example.com">Call us</offhook-call>`: a button that calls a user, for people who have no account.
 * Attributes: `to`; `token` of a guest, or `turnstile`, the key of a site, by which the button gets one when it is pressed; `server` (`https://sip.example.com`, absent: where the script came from); `name`, the name of the called user in texts;
 * `ice`, servers as `readIceServers` reads them. An event `offhook-call` reports each change, with the phase (`calling`, `ringing`,
 * `talking`, `ended`) and the text as its detail.
 */
class OffhookCall extends HTMLElement {
  readonly #call = button("call");
  readonly #hangUp = button("hang-up");
  readonly #status = document.createElement("p");
  readonly #audio = document.createElement("audio");
  readonly #tones = new Tones();
  readonly #place = document.createElement("div");
  #current: VisitorCall | undefined;
  /** Turnstile is asked. */
  #isChecking = false;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [sheet];
    const label = document.createElement("slot");
    label.textContent = "Call";
    this.#call.append(label);
    this.#hangUp.textContent = "Hang up";
    this.#hangUp.hidden = true;
    this.#status.setAttribute("part", "status");
    this.#status.setAttribute("role", "status");
    this.#audio.autoplay = true;
    const question = Object.assign(document.createElement("slot"), { name: "question" });
    this.#place.slot = "question";
    root.append(this.#call, this.#hangUp, question, this.#status, this.#audio);
    this.#call.addEventListener("click", () => void this.#press());
    this.#hangUp.addEventListener("click", () => this.#current?.hangUp());
  }

  connectedCallback(): void {
    window.addEventListener("pagehide", this.#leave);
  }

  /** Removed from the page, and not only moved within it. */
  disconnectedCallback(): void {
    queueMicrotask(() => {
      if (this.isConnected) return;
      window.removeEventListener("pagehide", this.#leave);
      this.#leave();
    });
  }

  readonly #leave = (): void => this.#current?.hangUp();

  /** Each call needs a token of its own, if one is needed. */
  async #press(): Promise<void> {
    if (this.#current !== undefined || this.#isChecking) return;
    const siteKey = this.getAttribute("turnstile");
    const to = this.getAttribute("to") ?? "";
    const tokens = siteKey === null ? undefined : tokensAt(this.getAttribute("server") ?? script, to);
    if (siteKey === null || tokens === undefined) return this.#begin(this.getAttribute("token"));
    this.#isChecking = true;
    this.append(this.#place);
    this.#show("calling", "Checking that you are a person…", false);
    try {
      this.#begin(await tokenForPerson({ siteKey, tokens, place: this.#place }));
    } catch (error) {
      this.#show("ended", error instanceof Error ? error.message : String(error), true);
    } finally {
      this.#isChecking = false;
      this.#place.remove();
    }
  }

  #begin(token: string | null): void {
    if (this.#current !== undefined || !this.isConnected) return;
    const to = this.getAttribute("to") ?? "";
    const server = socketOf(this.getAttribute("server") ?? script, token);
    const iceServers = readIceServers(this.getAttribute("ice") ?? "");
    if (to === "") return this.#show("ended", "This button needs the attribute to, with the address to call", true);
    if (server === undefined) return this.#show("ended", "This button needs the attribute server", true);
    if ("fault" in iceServers) return this.#show("ended", iceServers.fault, true);
    const name = this.getAttribute("name") ?? to.replace(/^sips?:/, "");
    const hadFocus = this.shadowRoot?.activeElement === this.#call;
    this.#current = new VisitorCall(
      { to, name, server, iceServers, audio: this.#audio },
      { changed: (phase) => this.#changed(phase), ended: (ending) => this.#ended(ending) },
    );
    if (hadFocus && !this.#hangUp.hidden) this.#hangUp.focus();
  }

  #changed(phase: VisitorPhase): void {
    this.#call.hidden = true;
    this.#hangUp.hidden = false;
    if (phase === "ringing" && this.#audio.srcObject === null) this.#tones.play("ringback");
    if (phase === "talking") this.#tones.stop();
    this.#show(phase, words[phase], false);
  }

  /** Called within the constructor of the call if no microphone can be requested. */
  #ended({ text, isFailure, tone }: Ending): void {
    queueMicrotask(() => (this.#current = undefined));
    const hadFocus = this.shadowRoot?.activeElement === this.#hangUp;
    this.#call.hidden = false;
    this.#hangUp.hidden = true;
    if (hadFocus) this.#call.focus();
    this.#tones.stop();
    if (tone !== undefined) this.#tones.play(tone);
    this.#show("ended", text, isFailure);
  }

  #show(phase: VisitorPhase | "ended", text: string, isFailure: boolean): void {
    this.dataset["phase"] = phase;
    this.#status.textContent = text;
    this.#status.dataset["failed"] = String(isFailure);
    this.dispatchEvent(new CustomEvent("offhook-call", { detail: { phase, text, isFailure }, bubbles: true }));
  }
}

/** The WebSocket of the server at an HTTP address; undefined if it is not one. @param token of a guest */
function socketOf(address: string, token: string | null): string | undefined {
  if (!URL.canParse(address)) return undefined;
  const { protocol, host } = new URL(address);
  const isSecure = protocol === "https:" || protocol === "wss:";
  const query = token === null ? "" : `?access_token=${encodeURIComponent(token)}`;
  return isSecure || protocol === "http:" || protocol === "ws:" ? `${isSecure ? "wss" : "ws"}://${host}/ws${query}` : undefined;
}

/** Where guests who call this address get their tokens; undefined if it is not a SIP address. */
function tokensAt(server: string, to: string): string | undefined {
  const domain = /^sips?:[^@]+@([^;?:]+)/i.exec(to)?.[1];
  const socket = socketOf(server, null);
  if (domain === undefined || socket === undefined) return undefined;
  return `${socket.replace(/^ws/, "http").replace(/\/ws$/, "")}/api/v1/domains/${encodeURIComponent(domain)}/turnstile/tokens`;
}

function button(part: string): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.setAttribute("part", part);
  return made;
}

if (customElements.get("offhook-call") === undefined) customElements.define("offhook-call", OffhookCall);
