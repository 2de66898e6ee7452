import type { UA } from "jssip";
import type { IncomingRequest, IncomingResponse } from "jssip/lib/SIPMessage";
import { readPending } from "./presence-document.ts";
import { type DialogParameters, send } from "./request.ts";

/** Seconds. */
const lifetime = 600;
/** Seconds until a failed subscription is tried again: the first wait, and the longest. */
const firstWait = 30;
const maxWait = 3600;

/** JsSIP passes the requests of a dialog to it. */
interface DialogOfUa {
  readonly id: string;
  receiveRequest(request: IncomingRequest & { reply(status: number): void }): void;
}

/**
 * Users who ask for permission to watch the user (RFC 3857): a subscription to the user's own `presence.winfo`. JsSIP's Subscriber cannot
 * name a package with a template, so this creates its dialog itself.
 */
export class PendingWatchers {
  readonly #ua: UA;
  readonly #address: string;
  readonly #asked: (pending: readonly string[]) => void;
  #dialog: Required<Pick<DialogParameters, "call_id" | "from_tag" | "cseq">> & DialogParameters;
  #wait = firstWait;
  #hasEnded = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ua: UA, address: string, asked: (pending: readonly string[]) => void) {
    this.#ua = ua;
    this.#address = address;
    this.#asked = asked;
    this.#dialog = newDialog();
  }

  subscribe(): void {
    clearTimeout(this.#timer);
    this.#dialog = { ...this.#dialog, cseq: this.#dialog.cseq + 1 };
    const headers = [
      "Event: presence.winfo",
      "Accept: application/watcherinfo+xml",
      `Expires: ${lifetime}`,
      `Contact: ${String((this.#ua as unknown as { contact: unknown }).contact)}`,
    ];
    send(this.#ua, "SUBSCRIBE", this.#address, { headers, dialog: this.#dialog }, (response) => this.#answered(response));
  }

  end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
  }

  #answered(response: IncomingResponse | undefined): void {
    if (this.#hasEnded) return;
    const isGranted = response !== undefined && response.status_code < 300;
    if (!isGranted) this.#dialog = newDialog();
    else if (this.#dialog.to_tag === undefined) this.#begin(response);
    if (isGranted) this.#wait = firstWait;
    this.#timer = setTimeout(() => this.subscribe(), (isGranted ? lifetime / 2 : this.#wait) * 1000);
    if (!isGranted) this.#wait = Math.min(this.#wait * 2, maxWait);
  }

  #begin(response: IncomingResponse): void {
    const to_tag = (response as unknown as { to_tag: string }).to_tag;
    this.#dialog = { ...this.#dialog, to_tag, route_set: response.getHeaders("record-route").reverse() };
    const dialog: DialogOfUa = {
      id: this.#dialog.call_id + this.#dialog.from_tag + to_tag,
      receiveRequest: (request) => {
        request.reply(200);
        this.#asked(readPending(request.body));
      },
    };
    (this.#ua as unknown as { newDialog(dialog: DialogOfUa): void }).newDialog(dialog);
  }
}

function newDialog() {
  return { call_id: crypto.randomUUID(), from_tag: crypto.randomUUID().slice(0, 8), cseq: 0 };
}
