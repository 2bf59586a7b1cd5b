import { balanceGains, DEFAULT_BALANCE, levelDbfs, VoiceGate } from './balance.ts';

const DOWN_MS = 50;
const UP_MS = 250;
const WATCH_EVERY_MS = 20;

interface Input {
  readonly node: MediaStreamAudioSourceNode;
  /** Chrome gives a remote track's sound to Web Audio only while an element plays it too. */
  readonly element: HTMLAudioElement;
}

export interface SoundMixerOptions {
  /** The browser lets sound out, or has begun to hold it back. */
  readonly onAudible?: (audible: boolean) => void;
}

/** Original and dubbed voice under the listener's balance; the original gives way smoothly while the voice speaks. */
export class SoundMixer {
  readonly #context = new AudioContext({ latencyHint: 'interactive', sampleRate: 48_000 });
  readonly #original = this.#context.createGain();
  readonly #voice = this.#context.createGain();
  readonly #master = this.#context.createGain();
  readonly #voiceMeter = this.#context.createAnalyser();
  readonly #outMeter = this.#context.createAnalyser();
  readonly #samples = new Float32Array(1024);
  readonly #gate = new VoiceGate();
  readonly #inputs = new Map<MediaStreamTrack, Input>();
  readonly #timer: ReturnType<typeof setInterval>;
  #originalTrack: MediaStreamTrack | undefined;
  #voiceTrack: MediaStreamTrack | undefined;
  #balance = DEFAULT_BALANCE;
  #volume = 1;
  #muted = false;
  #under = false;
  #closed = false;

  constructor(options: SoundMixerOptions = {}) {
    this.#voiceMeter.fftSize = 1024;
    this.#outMeter.fftSize = 1024;
    this.#voice.connect(this.#master);
    this.#original.connect(this.#master);
    this.#master.connect(this.#outMeter).connect(this.#context.destination);
    this.#context.onstatechange = () => options.onAudible?.(this.audible);
    this.#applyBalance(0);
    this.#timer = setInterval(() => this.#watchVoice(), WATCH_EVERY_MS);
  }

  /** False while the browser waits for a click before it lets sound out. */
  get audible(): boolean {
    return this.#context.state === 'running';
  }

  /** Whether the original is lowered under the voice at this moment. */
  get voiceSpeaks(): boolean {
    return this.#under;
  }

  /** Level of what is heard, dBFS. */
  get levelDbfs(): number {
    this.#outMeter.getFloatTimeDomainData(this.#samples);
    return levelDbfs(this.#samples);
  }

  /** Lets sound out if the browser allows it now; call it from a click. Never rejects. */
  async resume(): Promise<boolean> {
    if (this.#closed) return false;
    // A browser that wants a click leaves this pending.
    const waited = new Promise((resolve) => setTimeout(resolve, 300));
    await Promise.race([this.#context.resume().catch(() => {}), waited]);
    return this.audible;
  }

  async suspend(): Promise<void> {
    if (!this.#closed) await this.#context.suspend().catch(() => {});
  }

  /** @param voice undefined while the original, or a track that the server mixed, is heard alone */
  play(original: MediaStreamTrack | undefined, voice: MediaStreamTrack | undefined): void {
    if (this.#closed) return;
    this.#originalTrack = this.#swap(this.#originalTrack, original, this.#original);
    this.#voiceTrack = this.#swap(this.#voiceTrack, voice, this.#voice);
    this.#applyBalance(DOWN_MS);
  }

  /** Lets go of tracks that have ended or gone. */
  keepOnly(tracks: Iterable<MediaStreamTrack>): void {
    const kept = new Set(tracks);
    for (const [track, input] of this.#inputs) {
      if (kept.has(track)) continue;
      input.node.disconnect();
      input.element.srcObject = null;
      this.#inputs.delete(track);
      if (track === this.#originalTrack) this.#originalTrack = undefined;
      if (track === this.#voiceTrack) this.#voiceTrack = undefined;
    }
  }

  setBalance(balance: number): void {
    this.#balance = balance;
    this.#applyBalance(DOWN_MS);
  }

  setVolume(volume: number, muted: boolean): void {
    this.#volume = volume;
    this.#muted = muted;
    // The square is nearer to how loudness is heard.
    this.#ramp(this.#master.gain, this.#muted ? 0 : this.#volume ** 2, 30);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.keepOnly([]);
    this.#context.onstatechange = null;
    this.#context.close().catch(() => {});
  }

  #swap(
    before: MediaStreamTrack | undefined,
    track: MediaStreamTrack | undefined,
    into: GainNode,
  ): MediaStreamTrack | undefined {
    if (before === track) return track;
    if (before) this.#inputs.get(before)?.node.disconnect();
    if (!track) return undefined;
    const { node } = this.#input(track);
    node.connect(into);
    if (into === this.#voice) node.connect(this.#voiceMeter);
    return track;
  }

  #input(track: MediaStreamTrack): Input {
    const known = this.#inputs.get(track);
    if (known) return known;
    const stream = new MediaStream([track]);
    const element = new Audio();
    element.muted = true;
    element.srcObject = stream;
    element.play().catch(() => {});
    const input = { node: this.#context.createMediaStreamSource(stream), element };
    this.#inputs.set(track, input);
    return input;
  }

  #watchVoice(): void {
    let under = false;
    if (this.#voiceTrack) {
      this.#voiceMeter.getFloatTimeDomainData(this.#samples);
      under = this.#gate.speaks(levelDbfs(this.#samples), performance.now());
    }
    if (under === this.#under) return;
    this.#under = under;
    this.#applyBalance(under ? DOWN_MS : UP_MS);
  }

  #applyBalance(rampMs: number): void {
    if (!this.#voiceTrack) {
      this.#ramp(this.#original.gain, 1, rampMs);
      return;
    }
    const { original, originalUnderVoice, voice } = balanceGains(this.#balance);
    this.#ramp(this.#original.gain, this.#under ? originalUnderVoice : original, rampMs);
    this.#ramp(this.#voice.gain, voice, rampMs);
  }

  #ramp(gain: AudioParam, to: number, rampMs: number): void {
    const now = this.#context.currentTime;
    gain.cancelScheduledValues(now);
    // An exponential approach from wherever the gain is: 95 % of the way after three time constants.
    if (rampMs > 0) gain.setTargetAtTime(to, now, rampMs / 3000);
    else gain.setValueAtTime(to, now);
  }
}
