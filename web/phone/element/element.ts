import { h, render } from "preact";
import { tokenOf } from "../account.ts";
import type { Phone } from "../phone.ts";
import { watchReloads } from "../reloading.ts";
import { instanceOfTab } from "../remembered.ts";
import type { Call } from "../state.ts";
import { type PartialTexts, translated } from "../texts.ts";
import { subscribeToPush } from "../web-push.ts";
import { type AttributeFault, readAttributes } from "./attributes.ts";
import { Component } from "./component.ts";
import { repairFocus } from "./focus.ts";
import { keys } from "./keypad.tsx";
import { style } from "./style.ts";
import { View } from "./view.tsx";

/** The script's own address: the server that it came from is the default. */
const script = (document.currentScript as HTMLScriptElement | null)?.src ?? "";
const isReloading = watchReloads(() => performance.now());

/** Milliseconds until a server that could not be asked for the user is asked again. */
const retryAfter = 5000;

/**
 * `<offhook-phone server="https://sip.example.com" token="…"></offhook-phone>`: a telephone. Attributes: `server` (absent: where the script
 * came from), `token`, or `address` and `password`; `ice`, `calls` (how many at a time), `push` (the path of a service worker). Events: `offhook-state`, `offhook-ended`,
 * `offhook-message`, and `offhook-token` when a new token is needed, which the page sets as the attribute.
 */
export class OffhookPhone extends HTMLElement {
  static readonly observedAttributes = ["server", "token", "address", "password", "ice"];
  /** Whether the other side of a call may transfer the user there: a page may set another function. */
  mayTransfer: (call: Call, target: string) => boolean = () => true;
  #texts: PartialTexts = {};
  #component: Component | undefined;
  /** Counts what was begun, so that an answer to an older question is ignored. */
  #turn = 0;
  #isDrawing = false;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [sheet];
    this.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** A translation; set it before the element is in the page. */
  set texts(texts: PartialTexts) {
    this.#texts = texts;
  }

  get texts(): PartialTexts {
    return this.#texts;
  }

  /** What the component is made of: for pages that do more than it shows. Undefined until the element is in the page. */
  get phone(): Phone | undefined {
    return this.#component?.phone;
  }

  /** Calls an address, or a user of the same domain. */
  call(target: string): void {
    void this.phone?.call(target);
  }

  connectedCallback(): void {
    window.addEventListener("pagehide", this.#leave);
    if (this.#component === undefined) void this.#start();
  }

  /** Removed from the page, and not only moved within it. */
  disconnectedCallback(): void {
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#turn += 1;
      window.removeEventListener("pagehide", this.#leave);
      this.#component?.phone.signOut();
      this.#component = undefined;
    });
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (before !== now && this.#component !== undefined) void this.#signIn(name === "token");
  }

  readonly #leave = (): void => void this.phone?.leavePage(isReloading());

  async #start(): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    const instance = await instanceOfTab();
    if (turn !== this.#turn) return;
    const options = {
      ...{ instance, texts: translated(this.#texts), language: languageOf(this) },
      mayTransfer: (call: Call, target: string) => this.mayTransfer(call, target),
      maxCalls: Number(this.getAttribute("calls") ?? "") || 4,
    };
    const component = new Component(options, {
      changed: () => this.#draw(),
      came: (message) => this.#tell("offhook-message", message),
    });
    this.#component = component;
    component.phone.on("changed", (state) => this.#tell("offhook-state", state));
    component.phone.on("ended", (ended) => this.#tell("offhook-ended", ended));
    component.phone.on("token", () => this.#tell("offhook-token", undefined));
    this.#draw();
    await this.#signIn(false);
  }

  /** @param isRenewal only the token is another one: the same user goes on, without a break */
  async #signIn(isRenewal: boolean): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    const component = this.#component;
    if (component === undefined) return;
    const account = await readAttributes(this, script, translated(this.#texts));
    if (turn !== this.#turn) return;
    if ("fault" in account) return this.#refused(component, account, turn);
    const present = component.phone.account;
    const token = tokenOf(account);
    const isSame = present?.address === account.address && present.server === account.server;
    if (isRenewal && isSame && token !== undefined) return component.phone.renewToken(token);
    const worker = this.getAttribute("push");
    const push = worker === null ? undefined : await subscribeToPush(account, worker);
    if (turn !== this.#turn) return;
    component.phone.signIn(push === undefined || typeof push === "string" ? account : { ...account, push });
    if (typeof push === "string") component.phone.tell(translated(this.#texts).push[push]);
  }

  #refused({ phone }: Component, { fault, isPassing, isToken }: AttributeFault, turn: number): void {
    phone.refuse(fault);
    if (isToken) this.#tell("offhook-token", undefined);
    if (!isPassing) return;
    setTimeout(() => {
      if (turn === this.#turn) void this.#signIn(true);
    }, retryAfter);
  }

  #tell(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }

  /** The keys of the keyboard are those of the telephone in a call, while the focus is in the component and no text is written. */
  #pressed(event: KeyboardEvent): void {
    const { key, repeat, altKey, ctrlKey, metaKey } = event;
    const [target] = event.composedPath();
    const isWriting = target instanceof HTMLElement && target.matches("input, textarea, select");
    if (key.length === 1 && keys.includes(key) && !(repeat || altKey || ctrlKey || metaKey || isWriting)) this.phone?.line()?.press(key);
  }

  /** Once for all changes of a task. */
  #draw(): void {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    queueMicrotask(() => {
      this.#isDrawing = false;
      const [component, root] = [this.#component, this.shadowRoot];
      if (component?.model === undefined || root === null) return;
      const { model } = component;
      repairFocus(root, () => render(h(View, { model, deeds: component }), root));
    });
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "offhook-phone": OffhookPhone;
  }
}

/** As the page says. */
function languageOf(element: Element): string {
  return element.closest<HTMLElement>("[lang]")?.lang || "en";
}

if (customElements.get("offhook-phone") === undefined) customElements.define("offhook-phone", OffhookPhone);
