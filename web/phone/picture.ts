import type { RTCSession } from "jssip/lib/RTCSession";
import type { Devices } from "./devices.ts";
import type { Offers } from "./offers.ts";
import { connectionOf } from "./session-internals.ts";
import type { Picture } from "./state.ts";

/** The video of a call: camera or screen, which can be changed in the call. */
export class CallPicture {
  readonly #session: RTCSession;
  readonly #offers: Offers;
  readonly #devices: Devices;
  readonly #changed: () => void;
  #sends: Picture = "none";
  #own: MediaStream | undefined;

  /** @param changed called when what is sent or received has changed */
  constructor(session: RTCSession, offers: Offers, devices: Devices, changed: () => void) {
    this.#session = session;
    this.#offers = offers;
    this.#devices = devices;
    this.#changed = changed;
  }

  get sends(): Picture {
    return this.#sends;
  }

  /** What the user's own camera or screen shows. */
  get own(): MediaStream | undefined {
    return this.#own;
  }

  /** What the other side shows. */
  get remote(): MediaStream | undefined {
    const receiving = this.#transceiver(["sendrecv", "recvonly"]);
    return receiving === undefined ? undefined : new MediaStream([receiving.receiver.track]);
  }

  /** The call began with the camera, which JsSIP has opened. */
  adopt(): void {
    const track = this.#transceiver(["sendrecv", "sendonly"])?.sender.track;
    if (track === null || track === undefined || this.#own !== undefined) return;
    this.#own = new MediaStream([track]);
    this.#sends = "camera";
    this.#changed();
  }

  /** Throws what the browser throws if it gives no camera or screen. */
  async show(picture: Picture): Promise<void> {
    const connection = connectionOf(this.#session);
    if (connection === undefined || picture === this.#sends) return;
    const track = picture === "none" ? undefined : await this.#open(picture);
    if (connectionOf(this.#session) === undefined) return track?.stop();
    const before = this.#own?.getTracks() ?? [];
    this.#sends = picture;
    this.#own = track && new MediaStream([track]);
    track?.addEventListener("ended", () => {
      if (this.#own?.getTracks().includes(track) === true) void this.show("none");
    });
    const needsOffer = await this.#put(connection, track);
    for (const old of before) old.stop();
    this.#changed();
    if (needsOffer) await this.#offers.renew();
    this.#changed();
  }

  end(): void {
    for (const track of this.#own?.getTracks() ?? []) track.stop();
    this.#own = undefined;
  }

  async #open(picture: "camera" | "screen"): Promise<MediaStreamTrack | undefined> {
    const { mediaDevices } = navigator;
    const { video } = await this.#devices.constraints(true);
    const stream = await (picture === "screen" ? mediaDevices.getDisplayMedia({ video: true }) : mediaDevices.getUserMedia({ video }));
    return stream.getVideoTracks()[0];
  }

  /** @returns whether the other side has to be told */
  async #put(connection: RTCPeerConnection, track: MediaStreamTrack | undefined): Promise<boolean> {
    const transceiver = connection.getTransceivers().find(({ receiver }) => receiver.track.kind === "video");
    if (transceiver === undefined) {
      if (track !== undefined) connection.addTrack(track, new MediaStream([track]));
      return track !== undefined;
    }
    await transceiver.sender.replaceTrack(track ?? null);
    const direction = track === undefined ? "recvonly" : "sendrecv";
    if (transceiver.direction === direction) return false;
    transceiver.direction = direction;
    return true;
  }

  #transceiver(directions: readonly RTCRtpTransceiverDirection[]): RTCRtpTransceiver | undefined {
    const all = connectionOf(this.#session)?.getTransceivers() ?? [];
    const isOne = ({ receiver, currentDirection }: RTCRtpTransceiver) =>
      receiver.track.kind === "video" && currentDirection !== null && directions.includes(currentDirection);
    return all.find(isOne);
  }
}
