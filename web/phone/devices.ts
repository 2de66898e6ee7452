/** The devices of a phone. */
export type DeviceKind = "microphone" | "output" | "camera";

/** A device that can be chosen. */
export interface Device {
  readonly id: string;
  /** "" until the browser may tell. */
  readonly label: string;
}

type Chosen = Partial<Readonly<Record<DeviceKind, string>>>;

const storage = "offhook-devices";
const kinds: Readonly<Record<MediaDeviceKind, DeviceKind>> = { audioinput: "microphone", audiooutput: "output", videoinput: "camera" };

/** The microphone, the loudspeaker and the camera that the user has chosen, on this machine. A device that is gone is replaced by another. */
export class Devices {
  readonly #changed: (kind: DeviceKind) => void;
  #chosen: Chosen = JSON.parse(localStorage.getItem(storage) ?? "{}") as Chosen;

  /** @param changed another one was chosen: calls in progress take it */
  constructor(changed: (kind: DeviceKind) => void) {
    this.#changed = changed;
  }

  get chosen(): Chosen {
    return this.#chosen;
  }

  /** @param id "" leaves it to the browser */
  choose(kind: DeviceKind, id: string): void {
    const { [kind]: _before, ...others } = this.#chosen;
    this.#chosen = id === "" ? others : { ...others, [kind]: id };
    localStorage.setItem(storage, JSON.stringify(this.#chosen));
    this.#changed(kind);
  }

  async list(): Promise<Readonly<Record<DeviceKind, readonly Device[]>>> {
    const found: Record<DeviceKind, Device[]> = { microphone: [], output: [], camera: [] };
    for (const { kind, deviceId, label } of await navigator.mediaDevices.enumerateDevices())
      if (deviceId !== "") found[kinds[kind]].push({ id: deviceId, label });
    return found;
  }

  async constraints(withVideo: boolean): Promise<{ audio: true | MediaTrackConstraints; video: boolean | MediaTrackConstraints }> {
    const present = await this.list();
    const constraint = (kind: DeviceKind) => {
      const device = present[kind].find(({ id }) => id === this.#chosen[kind]);
      return device === undefined ? true : { deviceId: { exact: device.id } };
    };
    return { audio: constraint("microphone"), video: withVideo && constraint("camera") };
  }

  /** Plays an element where the user has chosen, if the browser can. */
  async play(element: HTMLMediaElement): Promise<void> {
    if (!("setSinkId" in element)) return;
    // The loudspeaker is gone: the browser's own choice stays.
    await element.setSinkId(this.#chosen.output ?? "").catch(() => undefined);
  }
}
