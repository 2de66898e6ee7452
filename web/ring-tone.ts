/** The two tones of a ringing telephone, made by the browser: no file to load. */
export class RingTone {
  #context: AudioContext | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  start(): void {
    if (this.#timer !== undefined) return;
    this.#context ??= new AudioContext();
    void this.#context.resume();
    this.#ring();
    this.#timer = setInterval(() => this.#ring(), 3000);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #ring(): void {
    const context = this.#context;
    if (context === undefined) return;
    for (const frequency of [440, 480]) {
      const oscillator = new OscillatorNode(context, { frequency });
      const gain = new GainNode(context, { gain: 0.05 });
      oscillator.connect(gain).connect(context.destination);
      oscillator.start();
      oscillator.stop(context.currentTime + 1);
    }
  }
}
