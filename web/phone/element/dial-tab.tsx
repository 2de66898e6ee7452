import { useRef } from "preact/hooks";
import { Keypad } from "./keypad.tsx";
import type { ViewProperties } from "./model.ts";

/** Where the user dials. */
export function DialTab({ model: { texts, state }, deeds: { phone } }: ViewProperties) {
  const field = useRef<HTMLInputElement>(null);
  const isRegistered = state.connection.kind === "registered";
  const dial = (video: boolean) => {
    const input = field.current;
    if (input === null || !input.reportValidity()) return;
    void phone.call(input.value.trim(), { video });
    input.value = "";
  };
  const submit = (event: Event) => {
    event.preventDefault();
    dial(false);
  };
  return (
    <form class="dial" onSubmit={submit}>
      <label>
        {texts.view.dial} <input ref={field} name="target" type="text" placeholder={texts.view.dialHint} autoComplete="off" required />
      </label>
      <div class="row">
        <button class="call-button" disabled={!isRegistered}>
          {texts.view.call}
        </button>
        <button type="button" class="quiet video-call" disabled={!isRegistered} onClick={() => dial(true)}>
          {texts.view.callWithVideo}
        </button>
      </div>
      {state.calls.length === 0 && (
        <Keypad
          name={texts.view.keypad}
          press={(key) => {
            if (field.current !== null) field.current.value += key;
          }}
        />
      )}
    </form>
  );
}
