import type { ComponentChildren } from "preact";
import { fill } from "../texts.ts";
import type { ViewProperties } from "./model.ts";

/** To call an address, or to write to it. */
export function PeerButtons({
  peer,
  model: { texts, state },
  deeds,
  children,
}: ViewProperties & { readonly peer: string; readonly children?: ComponentChildren }) {
  const [call, write] = [fill(texts.view.callPeer, { peer }), fill(texts.view.writeTo, { peer })];
  const isRegistered = state.connection.kind === "registered";
  return (
    <span class="buttons">
      <button
        type="button"
        class="quiet small"
        title={call}
        aria-label={call}
        disabled={!isRegistered}
        onClick={() => void deeds.phone.call(peer)}
      >
        {"☎\uFE0E"}
      </button>
      <button type="button" class="quiet small" title={write} aria-label={write} onClick={() => deeds.writeTo(peer)}>
        {"✉\uFE0E"}
      </button>
      {children}
    </span>
  );
}
