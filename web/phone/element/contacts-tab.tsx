import { useRef } from "preact/hooks";
import { moods } from "../presence-document.ts";
import { fill } from "../texts.ts";
import { complain } from "./complain.ts";
import type { ViewProperties } from "./model.ts";
import { PeerButtons } from "./peer-buttons.tsx";

/** The users that the user watches, and the user's own state. */
export function ContactsTab({ model, deeds }: ViewProperties) {
  const { texts, contacts } = model;
  const { view, presence } = texts;
  const field = useRef<HTMLInputElement>(null);
  const submit = (event: Event) => {
    event.preventDefault();
    if (field.current === null) return;
    if (deeds.addContact(field.current.value)) field.current.value = "";
    else complain(field.current, view.notAnAddress);
  };
  return (
    <>
      <Requests model={model} deeds={deeds} />
      {contacts.length === 0 && <p class="empty">{view.noContacts}</p>}
      <ul class="contacts" aria-label={view.contacts} hidden={contacts.length === 0}>
        {contacts.map(({ address, lamp, text }) => (
          <li key={address} data-lamp={lamp} data-address={address}>
            <span class="text">
              {address} <small>{text}</small>
            </span>
            <PeerButtons peer={address} model={model} deeds={deeds}>
              <button
                type="button"
                class="quiet small"
                title={fill(view.removePeer, { peer: address })}
                aria-label={fill(view.removePeer, { peer: address })}
                onClick={() => deeds.removeContact(address)}
              >
                ✕
              </button>
            </PeerButtons>
          </li>
        ))}
      </ul>
      <form class="row watch" onSubmit={submit}>
        <label class="grow">
          {view.watch} <input ref={field} name="contact" placeholder="bob" autoComplete="off" required />
        </label>
        <button class="quiet">{view.add}</button>
      </form>
      <label>
        {view.myState}{" "}
        <select class="mood" value={model.mood} onChange={({ currentTarget }) => deeds.say(currentTarget.value)}>
          <option value="">{presence.available}</option>
          {moods.map((mood) => (
            <option key={mood} value={mood}>
              {presence[mood]}
            </option>
          ))}
        </select>
      </label>
      <p class="seen" role="status" data-lamp={model.seen?.lamp ?? "unknown"}>
        {model.seen === undefined ? "" : fill(presence.othersSee, { state: model.seen.text })}
      </p>
    </>
  );
}

/** Users who ask for permission to watch the user. */
function Requests({ model: { texts, requests }, deeds: { phone } }: ViewProperties) {
  const { view, presence } = texts;
  return (
    <ul class="requests" hidden={requests.length === 0}>
      {requests.map((peer) => (
        <li key={peer}>
          <span class="text">{fill(presence.asks, { peer })}</span>
          <button type="button" aria-label={fill(view.allowPeer, { peer })} onClick={() => void phone.decide(peer, "allow")}>
            {view.allow}
          </button>
          <button type="button" class="quiet" aria-label={fill(view.blockPeer, { peer })} onClick={() => void phone.decide(peer, "block")}>
            {view.block}
          </button>
        </li>
      ))}
    </ul>
  );
}
