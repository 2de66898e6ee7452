/** What the browser has counted of a call until now. */
export interface Measurement {
  readonly at: number;
  /** Packets of audio and video, and lost ones of audio. */
  readonly received: number;
  readonly audioReceived: number;
  readonly lost: number;
  /** Messages by which ICE keeps the path open. */
  readonly checks: number;
  /** Seconds. */
  readonly jitter: number;
  readonly roundTrip: number | undefined;
  /** From 0 to 1. */
  readonly level: number;
  readonly ownLevel: number;
}

/** How a call sounds. */
export interface Quality {
  readonly rating: "good" | "fair" | "poor";
  /** Percent of the audio packets since the last measurement. */
  readonly loss: number;
  /** Milliseconds. */
  readonly jitter: number;
  readonly roundTrip: number | undefined;
  /** Of the other side and of the own microphone, from 0 to 1. */
  readonly level: number;
  readonly ownLevel: number;
  /** Audio packets since the call began. */
  readonly packetsReceived: number;
}

/** Limits of percent, milliseconds, milliseconds: from the first on it is fair, from the second on poor. */
const limits = { loss: [2, 8], jitter: [30, 60], roundTrip: [300, 600] } as const;

type Report = Readonly<Record<string, unknown>>;

export async function measure(connection: RTCPeerConnection, at: number): Promise<Measurement> {
  const all: Report[] = [];
  (await connection.getStats()).forEach((report: Report) => all.push(report));
  const inbound = all.filter(({ type }) => type === "inbound-rtp");
  const audio = inbound.filter(({ kind }) => kind === "audio");
  const pairs = all.filter(({ type }) => type === "candidate-pair");
  const source = all.filter(({ type, kind }) => type === "media-source" && kind === "audio");
  const inUse = pairs.filter(({ nominated, state }) => nominated === true && state === "succeeded");
  return {
    at,
    received: sum(inbound, "packetsReceived"),
    audioReceived: sum(audio, "packetsReceived"),
    lost: sum(audio, "packetsLost"),
    checks: sum(pairs, "requestsReceived") + sum(pairs, "responsesReceived"),
    jitter: sum(audio, "jitter"),
    roundTrip: inUse.map(({ currentRoundTripTime: time }) => time).find((time) => typeof time === "number"),
    level: sum(audio, "audioLevel"),
    ownLevel: sum(source, "audioLevel"),
  };
}

/** @param before the measurement before, of the same call */
export function qualityOf(now: Measurement, before: Measurement | undefined): Quality {
  const lost = Math.max(now.lost - (before?.lost ?? 0), 0);
  const received = Math.max(now.audioReceived - (before?.audioReceived ?? 0), 0);
  const loss = lost === 0 ? 0 : (100 * lost) / (lost + received);
  const [jitter, roundTrip] = [now.jitter * 1000, now.roundTrip === undefined ? undefined : now.roundTrip * 1000];
  const reaches = (which: 0 | 1) =>
    loss >= limits.loss[which] || jitter >= limits.jitter[which] || (roundTrip ?? 0) >= limits.roundTrip[which];
  const { level, ownLevel, audioReceived: packetsReceived } = now;
  return { rating: reaches(1) ? "poor" : reaches(0) ? "fair" : "good", loss, jitter, roundTrip, level, ownLevel, packetsReceived };
}

function sum(reports: readonly Report[], name: string): number {
  return reports.reduce((total, report) => total + (typeof report[name] === "number" ? report[name] : 0), 0);
}
