import type { PastCall } from "../history.ts";
import type { ViewProperties } from "./model.ts";
import { PeerButtons } from "./peer-buttons.tsx";

/** The calls that are over, of all phones of the user. */
export function HistoryTab({ model, deeds }: ViewProperties) {
  const { view } = model.texts;
  const { calls, hasMore, isFailure } = model.history;
  return (
    <>
      {isFailure && <p class="empty">{view.noHistory}</p>}
      {!isFailure && calls.length === 0 && <p class="empty">{view.noCalls}</p>}
      <ul class="history" aria-label={view.history} hidden={calls.length === 0}>
        {calls.map((call) => (
          <li key={call.id} data-outcome={call.outcome} data-direction={call.direction}>
            <span class="direction" role="img" aria-label={call.direction === "incoming" ? view.wasCalled : view.hasCalled}>
              {call.direction === "incoming" ? "↙" : "↗"}
            </span>
            <span class="text">
              {call.peer} <small>{described(call, model)}</small>
            </span>
            <PeerButtons peer={call.peer} model={model} deeds={deeds} />
          </li>
        ))}
      </ul>
      {hasMore && (
        <button type="button" class="quiet" onClick={() => deeds.moreHistory()}>
          {view.more}
        </button>
      )}
    </>
  );
}

function described({ started, seconds, outcome }: PastCall, { texts, language }: ViewProperties["model"]): string {
  const at = new Date(started).toLocaleString(language, { dateStyle: "short", timeStyle: "short" });
  const lasted = outcome === "answered" ? ` ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}` : "";
  return `${at}, ${texts.outcome[outcome]}${lasted}`;
}
