import { fill } from "../texts.ts";
import type { ViewProperties } from "./model.ts";

const kinds = ["microphone", "output", "camera"] as const;

/** The devices. */
export function SettingsTab({ model: { texts, devices }, deeds: { phone } }: ViewProperties) {
  const { view } = texts;
  return (
    <>
      {kinds.map((kind) => (
        <label key={kind}>
          {view[kind]}{" "}
          <select
            class={`device-${kind}`}
            value={phone.devices.chosen[kind] ?? ""}
            onChange={({ currentTarget }) => phone.devices.choose(kind, currentTarget.value)}
          >
            <option value="">{view.usualDevice}</option>
            {devices[kind].map(({ id, label }, index) => (
              <option key={id} value={id}>
                {label === "" ? fill(view.device, { kind: view[kind], number: index + 1 }) : label}
              </option>
            ))}
          </select>
        </label>
      ))}
    </>
  );
}
