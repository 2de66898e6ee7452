import { describeConnection } from "../state.ts";
import { fill } from "../texts.ts";
import { CallCard } from "./call-card.tsx";
import { ContactsTab } from "./contacts-tab.tsx";
import { DialTab } from "./dial-tab.tsx";
import { HistoryTab } from "./history-tab.tsx";
import { MessagesTab } from "./messages-tab.tsx";
import { type Tab, type ViewProperties, tabs } from "./model.ts";
import { SettingsTab } from "./settings-tab.tsx";

const panels = { phone: DialTab, messages: MessagesTab, contacts: ContactsTab, history: HistoryTab, settings: SettingsTab } as const;

/** The whole component. */
export function View({ model, deeds }: ViewProperties) {
  const { connection, calls, notice } = model.state;
  // What the user writes must stay while the connection comes back.
  const isThere = connection.kind === "registered" || (connection.kind === "connecting" && connection.isReconnecting);
  const Panel = panels[model.tab];
  return (
    <div class="phone" part="phone">
      <p class="status" part="status" data-state={connection.kind} role={connection.kind === "failed" ? "alert" : "status"}>
        {describeConnection(connection, model.texts)}
      </p>
      <p class="notice" part="notice" role="alert" data-failed={notice.isFailure}>
        {notice.text}
      </p>
      <div class="calls" role="region" aria-label={model.texts.view.calls} hidden={calls.length === 0}>
        {calls.map((call) => (
          <CallCard key={call.id} call={call} model={model} deeds={deeds} />
        ))}
      </div>
      {(isThere || calls.length > 0) && (
        <>
          <Tabs model={model} deeds={deeds} />
          <div class="panel" role="tabpanel" id="panel" aria-labelledby={`tab-${model.tab}`} tabIndex={-1}>
            <Panel model={model} deeds={deeds} />
          </div>
        </>
      )}
    </div>
  );
}

function Tabs({ model, deeds }: ViewProperties) {
  const { view } = model.texts;
  const unreadIn = (tab: Tab) => (tab === "messages" ? model.unread : 0);
  const move = (event: KeyboardEvent) => {
    const next = neighbour(model.tab, event.key);
    if (next === undefined) return;
    event.preventDefault();
    deeds.show(next);
    const list = (event.currentTarget as HTMLElement).children;
    (list[tabs.indexOf(next)] as HTMLElement).focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={view.parts} onKeyDown={move}>
      {tabs.map((tab) => (
        <button
          type="button"
          role="tab"
          key={tab}
          id={`tab-${tab}`}
          aria-label={unreadIn(tab) > 0 ? fill(view.messagesUnread, { count: model.unread }) : view[tab]}
          aria-selected={tab === model.tab}
          aria-controls="panel"
          tabIndex={tab === model.tab ? 0 : -1}
          onClick={() => deeds.show(tab)}
        >
          <span aria-hidden="true">{signs[tab]}</span>
          <span class="name">{view[tab]}</span>
          {unreadIn(tab) > 0 && <span class="unread">{model.unread}</span>}
        </button>
      ))}
    </div>
  );
}

const signs = { phone: "☎\uFE0E", messages: "✉\uFE0E", contacts: "☻\uFE0E", history: "↺\uFE0E", settings: "⚙\uFE0E" } as const;

/** Where a key of the keyboard leads from a tab. */
function neighbour(tab: Tab, key: string): Tab | undefined {
  const at = tabs.indexOf(tab);
  const next = { ArrowRight: (at + 1) % tabs.length, ArrowLeft: (at + tabs.length - 1) % tabs.length, Home: 0, End: tabs.length - 1 }[key];
  return next === undefined ? undefined : tabs[next];
}
