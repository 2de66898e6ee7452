import { useLayoutEffect, useRef } from "preact/hooks";
import { fill } from "../texts.ts";
import { complain } from "./complain.ts";
import type { ViewProperties } from "./model.ts";

/** The conversations. */
export function MessagesTab({ model, deeds }: ViewProperties) {
  const { view } = model.texts;
  const [to, text, list] = [useRef<HTMLInputElement>(null), useRef<HTMLInputElement>(null), useRef<HTMLDivElement>(null)];
  const last = model.messages.at(-1)?.id;
  useLayoutEffect(() => list.current?.scrollTo({ top: list.current.scrollHeight }), [last]);
  useLayoutEffect(() => {
    if (to.current !== null && model.writesTo !== "") to.current.value = model.writesTo;
  }, [model.writesTo]);
  const submit = (event: Event) => {
    event.preventDefault();
    if (to.current === null || text.current === null) return;
    if (deeds.send(to.current.value.trim(), text.current.value)) text.current.value = "";
    else complain(to.current, view.notAnAddress);
  };
  return (
    <>
      {model.messages.length === 0 && <p class="empty">{view.noMessages}</p>}
      <div ref={list} class="messages" role="log" aria-label={view.messages} tabIndex={0} hidden={model.messages.length === 0}>
        <ol>
          {model.messages.map(({ id, peer, direction, text: written, fate, isFailure, at }) => (
            <li key={id} data-direction={direction} data-failed={isFailure}>
              <small class="peer-name">{direction === "incoming" ? peer : fill(view.sentTo, { peer })}</small>
              <span class="text">{written}</span>
              <small class="fate">{fate}</small>
              {Number.isFinite(at) && <small class="time">{clockTime(at, model.language)}</small>}
            </li>
          ))}
        </ol>
      </div>
      <form class="write" onSubmit={submit}>
        <label>
          {view.to} <input ref={to} name="to" placeholder="bob" autoComplete="off" required />
        </label>
        <div class="row">
          <label class="grow">
            {view.message} <input ref={text} name="text" autoComplete="off" maxLength={4000} required />
          </label>
          <button>{view.send}</button>
        </div>
      </form>
    </>
  );
}

function clockTime(at: number, language: string): string {
  return new Date(at).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
}
