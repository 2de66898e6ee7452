import { closeBack } from "../../platform/connection/close-back.ts";
import { closing } from "../../platform/connection/close-reasons.ts";
import { directoryOf } from "../../platform/directory/directory.ts";
import { DirectoryUnavailable } from "../../platform/directory/errors.ts";
import { EventWatchStore } from "../../platform/directory/event-watch-store.ts";
import { KeyStore } from "../../platform/directory/key-store.ts";
import type { Environment } from "../../platform/environment.ts";
import { type EventWatcher, watcherIn } from "../../platform/event-watcher.ts";
import type { QueuedEvent } from "../../platform/object-rpc.ts";

/** Sockets of one domain. */
const maxWatchers = 32;
/** Milliseconds for which a key counts that was found valid. */
const checkedFor = 60_000;

/** What is kept with a socket while the object sleeps. */
interface Attachment extends EventWatcher {
  /** Milliseconds: when the key was last found valid. */
  readonly checked: number;
}

interface Surroundings {
  readonly state: DurableObjectState;
  readonly environment: Environment;
  readonly domain: string;
}

/**
 * Clients that are told of the events of a domain as they happen, each by a socket that hibernates. The directory knows whether there are
 * any: homes send no events otherwise. As long as nothing happens the object sleeps.
 */
export class EventWatchers {
  readonly #around: Surroundings;
  /** The changes in the directory, one after the other. */
  #noting: Promise<void> = Promise.resolve();

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** Answers an upgrade of the API. */
  async open(request: Request, now: number): Promise<Response> {
    const { state } = this.#around;
    if (this.#open().length >= maxWatchers) return new Response(null, { status: 429 });
    const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
    state.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    state.acceptWebSocket(server);
    server.serializeAttachment({ ...watcherIn(request), checked: now } satisfies Attachment);
    try {
      await this.#note();
    } catch (error) {
      if (!(error instanceof DirectoryUnavailable)) throw error;
      server.close(closing.failed.code, closing.failed.reason);
      return new Response(null, { status: 503 });
    }
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Nothing is to be said here: a client that does it could keep the object awake. */
  wrote(socket: WebSocket): void {
    socket.close(closing.notAsked.code, closing.notAsked.reason);
  }

  closed(socket: WebSocket, code: number): Promise<void> {
    closeBack(socket, code);
    return this.#note();
  }

  /** Does not wait. Events are lost for a watcher whose key cannot be checked now. */
  tell(events: readonly QueuedEvent[], now: number): void {
    const open = this.#open();
    // A crash has taken the sockets with it.
    if (open.length === 0) this.#later(this.#note());
    for (const socket of open) {
      const attachment = socket.deserializeAttachment() as Attachment;
      const isChecked = attachment.key === undefined || now - attachment.checked < checkedFor;
      if (isChecked) send(socket, events);
      else this.#later(this.#checkAndSend(socket, attachment, events, now));
    }
  }

  async #checkAndSend(socket: WebSocket, { key = "", ...rest }: Attachment, events: readonly QueuedEvent[], now: number): Promise<void> {
    const found = await new KeyStore(this.#around.environment.DIRECTORY).find(key);
    if (found === undefined || now >= (found.key.expiresAt ?? Infinity))
      return socket.close(closing.keyEnded.code, closing.keyEnded.reason);
    socket.serializeAttachment({ ...rest, key, checked: now } satisfies Attachment);
    send(socket, events);
  }

  #open(): WebSocket[] {
    return this.#around.state.getWebSockets().filter(({ readyState }) => readyState === WebSocket.OPEN);
  }

  /** Tells the directory whether there are watchers. */
  #note(): Promise<void> {
    const { environment, domain } = this.#around;
    const note = async () => {
      const store = new EventWatchStore(environment.DIRECTORY);
      await (this.#open().length > 0 ? store.add(domain) : store.delete(domain));
      directoryOf(environment).forget(domain);
    };
    // One that has failed does not keep the next from being tried.
    this.#noting = this.#noting.then(note, note);
    return this.#noting;
  }

  #later(work: Promise<void>): void {
    const { state, domain } = this.#around;
    const note = "events could not be shown to those who look at them";
    state.waitUntil(work.catch((error: unknown) => console.error(JSON.stringify({ note, domain, error: String(error) }))));
  }
}

/** To a socket that has gone meanwhile nothing is sent. */
function send(socket: WebSocket, events: readonly QueuedEvent[]): void {
  if (socket.readyState !== WebSocket.OPEN) return;
  for (const { payload } of events) socket.send(payload);
}
