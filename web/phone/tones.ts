/** The tones of the phone; `sounds` describes them. */
export type Tone = "ring" | "ringback" | "busy" | "failed" | "ended" | "message" | "waiting";

/** Frequencies in hertz, seconds of each sound and from one to the next, and their number. */
interface Sound {
  readonly frequencies: readonly number[];
  readonly length: number;
  readonly period: number;
  readonly times: number;
  /** From 0 to 1. */
  readonly gain: number;
}

const sounds: Readonly<Record<Tone, Sound>> = {
  ring: { frequencies: [440, 480], length: 1, period: 3, times: Infinity, gain: 0.05 },
  ringback: { frequencies: [425], length: 1, period: 4, times: Infinity, gain: 0.02 },
  busy: { frequencies: [480, 620], length: 0.5, period: 1, times: 4, gain: 0.03 },
  failed: { frequencies: [480, 620], length: 0.25, period: 0.5, times: 6, gain: 0.03 },
  ended: { frequencies: [425], length: 0.15, period: 0.3, times: 3, gain: 0.03 },
  waiting: { frequencies: [425], length: 0.2, period: 4, times: Infinity, gain: 0.02 },
  message: { frequencies: [660], length: 0.12, period: 0.2, times: 2, gain: 0.03 },
};

/** The tones of a telephone, made by the browser: there is no file to load. One at a time. */
export class Tones {
  #context: AudioContext | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #playing: Tone | undefined;
  #oscillators: OscillatorNode[] = [];

  get isPlaying(): boolean {
    return this.#playing !== undefined;
  }

  /** Plays a tone instead of the present one; the same tone goes on. */
  play(tone: Tone): void {
    if (this.#playing === tone) return;
    this.stop();
    this.#playing = tone;
    this.#context ??= new AudioContext();
    void this.#context.resume();
    const { period, times } = sounds[tone];
    let count = 0;
    const next = () => {
      if (count >= times) return this.stop();
      count += 1;
      this.#sound(sounds[tone]);
    };
    next();
    this.#timer = setInterval(next, period * 1000);
  }

  /** @param only these tones are stopped; absent: any */
  stop(...only: readonly Tone[]): void {
    if (this.#playing === undefined || (only.length > 0 && !only.includes(this.#playing))) return;
    clearInterval(this.#timer);
    this.#playing = undefined;
    for (const oscillator of this.#oscillators.splice(0)) oscillator.stop();
  }

  #sound({ frequencies, length, gain }: Sound): void {
    const context = this.#context;
    if (context === undefined) return;
    this.#oscillators = frequencies.map((frequency) => {
      const oscillator = new OscillatorNode(context, { frequency });
      oscillator.connect(new GainNode(context, { gain })).connect(context.destination);
      oscillator.start();
      oscillator.stop(context.currentTime + length);
      return oscillator;
    });
  }
}
