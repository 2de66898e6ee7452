import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Quality } from "../quality.ts";
import { type Call, describeCall, isOffered } from "../state.ts";
import { fill } from "../texts.ts";
import { Keypad } from "./keypad.tsx";
import type { ViewProperties } from "./model.ts";

type CardProperties = ViewProperties & { readonly call: Call };

/** One call. */
export function CallCard({ call, model, deeds }: CardProperties) {
  const { texts } = model;
  const isRinging = isOffered(call);
  return (
    <section
      class="call"
      part="call"
      aria-label={fill(texts.view.callWith, { peer: call.peer })}
      tabIndex={-1}
      data-phase={call.phase}
      data-offered={isRinging}
      data-selected={call.id === model.state.selected}
    >
      <div role={isRinging ? "alert" : "status"}>
        <p class="peer">{call.peer}</p>
        <p class="progress">{describeCall(call, texts)}</p>
      </div>
      {call.since !== undefined && <Sound call={call} quality={model.qualities[call.id]} model={model} since={call.since} />}
      <Pictures call={call} model={model} deeds={deeds} />
      {isRinging ? <Offered call={call} model={model} deeds={deeds} /> : <InProgress call={call} model={model} deeds={deeds} />}
    </section>
  );
}

function Offered({ call, model: { texts }, deeds: { phone } }: CardProperties) {
  if (call.phase !== "ringing") return null;
  return (
    <div class="row">
      <button type="button" class="answer" onClick={() => phone.answer(call.id)}>
        {texts.view.answer}
      </button>
      {call.isVideoOffered && (
        <button type="button" class="answer-video" onClick={() => phone.answer(call.id, { video: true })}>
          {texts.view.answerWithVideo}
        </button>
      )}
      <button type="button" class="danger reject" onClick={() => phone.line(call.id)?.reject()}>
        {texts.view.reject}
      </button>
    </div>
  );
}

function InProgress({ call, model, deeds }: CardProperties) {
  const [open, setOpen] = useState<"" | "keys" | "transfer">("");
  const { view } = model.texts;
  const { phone } = deeds;
  const isRegistered = model.state.connection.kind === "registered";
  const toggle = (what: "keys" | "transfer") => setOpen(open === what ? "" : what);
  if (call.phase !== "talking") return call.phase === "ending" ? null : <HangUp call={call} model={model} deeds={deeds} />;
  return (
    <>
      <div class="controls">
        <HangUp call={call} model={model} deeds={deeds} />
        <Toggle name="mute" isOn={call.isMuted} on={view.muted} off={view.mute} press={() => phone.line(call.id)?.toggleMute()} />
        <Toggle
          name="hold"
          isOn={call.isHeld}
          on={view.resume}
          off={view.hold}
          isDisabled={!isRegistered}
          press={() => (call.isHeld ? phone.resume(call.id) : phone.line(call.id)?.toggleHold())}
        />
        <Toggle name="keys" isOn={open === "keys"} on={view.keys} off={view.keys} press={() => toggle("keys")} />
        <Toggle name="transfer" isOn={open === "transfer"} on={view.transfer} off={view.transfer} press={() => toggle("transfer")} />
        {(["camera", "screen"] as const).map((picture) => (
          <Toggle
            key={picture}
            name={picture}
            isOn={call.sends === picture}
            on={view[picture]}
            off={view[picture]}
            isDisabled={!isRegistered || call.isHeld}
            press={() => void phone.show(call.sends === picture ? "none" : picture, call.id)}
          />
        ))}
      </div>
      <Connections call={call} model={model} deeds={deeds} />
      {open === "transfer" && <Transfer call={call} model={model} deeds={deeds} close={() => setOpen("")} />}
      {open === "keys" && (
        <>
          <output aria-label={view.keysPressed}>{call.pressed}</output>
          <Keypad name={view.keypad} press={(key) => phone.line(call.id)?.press(key)} />
        </>
      )}
    </>
  );
}

function HangUp({ call, model: { texts }, deeds: { phone } }: CardProperties) {
  return (
    <button type="button" class="danger hang-up" onClick={() => phone.line(call.id)?.hangUp()}>
      {texts.view.hangUp}
    </button>
  );
}

interface ToggleProperties {
  readonly name: string;
  readonly isOn: boolean;
  readonly on: string;
  readonly off: string;
  readonly isDisabled?: boolean;
  readonly press: () => void;
}

function Toggle({ name, isOn, on, off, isDisabled = false, press }: ToggleProperties) {
  return (
    <button type="button" class={`toggle ${name}`} aria-pressed={isOn} disabled={isDisabled} onClick={press}>
      {isOn ? on : off}
    </button>
  );
}

/** The calls whose other side can be connected with that of this call. */
function Connections({ call, model, deeds }: CardProperties) {
  const others = model.state.calls.filter(({ id, phase }) => id !== call.id && phase === "talking");
  return (
    <>
      {others.map(({ id, peer }) => (
        <button type="button" class="quiet connect" key={id} onClick={() => deeds.phone.connect(id, call.id)}>
          {fill(model.texts.view.connectWith, { peer })}
        </button>
      ))}
    </>
  );
}

function Transfer({ call, model: { texts }, deeds: { phone }, close }: CardProperties & { readonly close: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => field.current?.focus(), []);
  const target = () => field.current?.value.trim() ?? "";
  const transfer = (event: Event) => {
    event.preventDefault();
    phone.transfer(target(), call.id);
  };
  const ask = () => {
    if (field.current?.reportValidity() !== true) return;
    void phone.call(target());
    close();
  };
  return (
    <form class="transfer-form" onSubmit={transfer}>
      <label>
        {texts.view.transferTo} <input ref={field} name="target" placeholder={texts.view.dialHint} autoComplete="off" required />
      </label>
      <div class="row">
        <button class="transfer-now">{texts.view.transferNow}</button>
        <button type="button" class="quiet ask-first" onClick={ask}>
          {texts.view.askFirst}
        </button>
      </div>
    </form>
  );
}

interface SoundProperties extends Pick<CardProperties, "call" | "model"> {
  readonly quality: Quality | undefined;
  readonly since: number;
}

/** How long the call has lasted, and how it sounds. */
function Sound({ call, quality, model: { texts }, since }: SoundProperties) {
  const { view } = texts;
  const seconds = Math.max(Math.floor((Date.now() - since) / 1000), 0);
  const measured = (value: number | undefined) => (value === undefined ? "?" : Math.round(value));
  return (
    <div class="sound">
      <time>{`${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`}</time>
      {quality !== undefined && (
        <>
          <span
            class="quality"
            data-rating={quality.rating}
            data-packets={quality.packetsReceived}
            title={fill(view.measured, {
              loss: measured(quality.loss),
              jitter: measured(quality.jitter),
              roundTrip: measured(quality.roundTrip),
            })}
          >
            {view[quality.rating]}
          </span>
          <meter class="level" aria-label={fill(view.level, { peer: call.peer })} max={1} value={Math.sqrt(quality.level)} />
          <meter class="own-level" aria-label={view.ownLevel} max={1} value={Math.sqrt(quality.ownLevel)} />
        </>
      )}
    </div>
  );
}

function Pictures({ call, model: { texts }, deeds: { phone } }: CardProperties) {
  const line = phone.line(call.id);
  return (
    <div class="pictures" hidden={!call.receivesVideo && call.sends === "none"}>
      {call.receivesVideo && (
        <Video name={fill(texts.view.remoteVideo, { peer: call.peer })} stream={line?.remoteVideo} part="remote-video" />
      )}
      {call.sends !== "none" && <Video name={texts.view.ownVideo} stream={line?.ownVideo} part="own-video" />}
    </div>
  );
}

/** A video without sound: the call has its own. */
function Video({ name, stream, part }: { readonly name: string; readonly stream: MediaStream | undefined; readonly part: string }) {
  const video = useRef<HTMLVideoElement>(null);
  const [track] = stream?.getTracks() ?? [];
  useEffect(() => {
    if (video.current !== null) video.current.srcObject = track === undefined ? null : new MediaStream([track]);
  }, [track]);
  return <video ref={video} part={part} class={part} aria-label={name} autoplay muted playsInline />;
}
