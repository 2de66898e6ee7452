/** What every test page can do, whichever library it is made of. */
export interface TestPhone {
  /**
   * Rejects with the answer's status if the registration fails.
   * @param url of the WebSocket
   * @param address `alice@localhost`; the password is `offhook`
   * @param anonymous calls go out as anonymous (RFC 3323, RFC 3325)
   */
  register(url: string, address: string, anonymous: boolean): Promise<void>;
  call(target: string): Promise<void>;
  answer(): Promise<void>;
  reject(): Promise<void>;
  hangUp(): Promise<void>;
  hold(): Promise<void>;
  resume(): Promise<void>;
  /** Blind transfer (RFC 3515). */
  transfer(target: string): Promise<void>;
  state(): "idle" | "calling" | "ringing" | "confirmed" | "ended";
  /** Statuses and causes by which calls have ended, oldest first. */
  endings(): readonly string[];
  isRegistered(): boolean;
  /** How many connections have been lost. */
  losses(): number;
  /** A DTMF event in its audio (RFC 4733). */
  press(key: string): void;
  /** As the library does if it is not told otherwise. */
  pressByInfo(key: string): void;
  /** The strongest frequencies of what it hears now, in Hz. */
  pitches(): Promise<number[]>;
  /** How loud what it hears is now, 0 to 1. */
  loudness(): Promise<number>;
  /** Audio packets received in this call. */
  packets(): Promise<number>;
  /** How many incoming calls this page has shown. */
  incomingCalls(): number;
  isHeldByPeer(): boolean;
}

declare global {
  interface Window {
    phone: TestPhone;
  }
}

/** Tries until it works: an offer cannot be made while another is open (RFC 3261 §14.1). */
export async function whenPossible(attempt: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await attempt())) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Plays what peer connections receive: Chromium measures only what is played. */
const loudspeaker = new Audio();

/** How loud the audio is that a peer connection receives. */
export async function loudnessOf(connection: RTCPeerConnection | null | undefined): Promise<number> {
  let loudness = 0;
  const tracks = (connection?.getReceivers() ?? []).map(({ track }) => track).filter(({ kind }) => kind === "audio");
  const played = (loudspeaker.srcObject as MediaStream | null)?.getTracks() ?? [];
  if (tracks.some((track) => !played.includes(track))) {
    loudspeaker.srcObject = new MediaStream(tracks);
    await loudspeaker.play();
  }
  (await connection?.getStats())?.forEach((report: { type: string; kind?: string; audioLevel?: number }) => {
    if (report.type === "inbound-rtp" && report.kind === "audio") loudness = Math.max(loudness, report.audioLevel ?? 0);
  });
  return loudness;
}

let analyser: AnalyserNode | undefined;

/** The frequencies in the audio that a peer connection receives which are louder than those next to them, the two loudest first. */
export async function pitchesOf(connection: RTCPeerConnection | null | undefined): Promise<number[]> {
  await loudnessOf(connection);
  const stream = loudspeaker.srcObject as MediaStream | null;
  if (stream === null) return [];
  if (analyser === undefined) {
    const context = new AudioContext();
    analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
    context.createMediaStreamSource(stream).connect(analyser);
  }
  const levels = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(levels);
  const at = (index: number) => levels[index] ?? Number.NEGATIVE_INFINITY;
  const peaks = [...levels.keys()].filter((index) => at(index) > at(index - 1) && at(index) >= at(index + 1));
  const width = analyser.context.sampleRate / analyser.fftSize;
  return peaks
    .sort((one, other) => at(other) - at(one))
    .slice(0, 2)
    .map((index) => index * width);
}

/** A DTMF event by the sender of a peer connection's audio. */
export function pressOn(connection: RTCPeerConnection | null | undefined, key: string): void {
  connection
    ?.getSenders()
    .find(({ track }) => track?.kind === "audio")
    ?.dtmf?.insertDTMF(key, 200);
}

/** Audio packets that a peer connection has received. */
export async function packetsOf(connection: RTCPeerConnection | null | undefined): Promise<number> {
  let packets = 0;
  (await connection?.getStats())?.forEach((report: { type: string; kind?: string; packetsReceived?: number }) => {
    if (report.type === "inbound-rtp" && report.kind === "audio") packets += report.packetsReceived ?? 0;
  });
  return packets;
}
