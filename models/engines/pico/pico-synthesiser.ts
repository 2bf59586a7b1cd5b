import { LivedubError } from '../../../pipeline/errors.ts';
import type { EngineInfo } from '../../../pipeline/ports/engine.ts';
import type {
  SynthesisedSpeech,
  SynthesiseRequest,
  Synthesiser,
  Voice,
} from '../../../pipeline/ports/synthesiser.ts';
import type { SessionPool } from '../../session-pool.ts';
import { GuardedThread } from '../engine-thread-guard.ts';
import { planVoiceMatch, playAsTape } from '../voice-match.ts';
import { PICO_LINGWARE, PICO_VOICES, type PicoLoadBody, type PicoSpeech } from './pico-voices.ts';

export interface PicoSynthesiserOptions {
  /** svoxpico.js of npm @echogarden/svoxpico-wasm; its wasm lies beside it. */
  readonly scriptPath: string;
  /** Lingware name without `.bin` → file; voices without both files are left out. */
  readonly lingware: Readonly<Record<string, string>>;
  readonly pool: SessionPool;
  /** Default `1.0`. */
  readonly version?: string;
}

const SAMPLE_RATE_HZ = 16_000;
/** Beyond this Pico's own speed control harms its sound; the rest is left to time-stretching. */
const MIN_RATE = 0.8;
const MAX_RATE = 1.2;

/** SVOX Pico: small concatenative-parametric voices, one female voice a language. */
export class PicoSynthesiser implements Synthesiser {
  readonly info: EngineInfo;
  readonly voices: readonly Voice[];
  readonly deterministic = true;
  readonly #thread: GuardedThread;

  constructor(options: PicoSynthesiserOptions) {
    this.info = { id: 'svox-pico', version: options.version ?? '1.0', licence: 'Apache-2.0' };
    const resources: Record<string, string[]> = {};
    for (const [id, names] of Object.entries(PICO_LINGWARE)) {
      const files = names.map((name) => options.lingware[name]);
      if (files.every((file) => file !== undefined)) resources[id] = files;
    }
    this.voices = PICO_VOICES.filter(({ id }) => resources[id] !== undefined);
    const load: PicoLoadBody = { scriptPath: options.scriptPath, resources };
    this.#thread = new GuardedThread({
      entry: new URL('./pico-thread.ts', import.meta.url),
      label: 'SVOX Pico',
      pool: options.pool,
      engine: 'svox-pico',
      load,
    });
  }

  /** @throws LIVEDUB_E_MODEL_MISSING for a voice whose lingware is absent, and what the engine's thread throws */
  async synthesise({ text, voice, rate, match, ...call }: SynthesiseRequest): Promise<SynthesisedSpeech> {
    if (!this.voices.some(({ id }) => id === voice.id)) {
      throw new LivedubError('LIVEDUB_E_MODEL_MISSING', `The voice ${voice.id} is not installed.`);
    }
    const plan = planVoiceMatch(voice.pitchHz, match?.pitchHz ?? 0, rate);
    const speed = Math.min(MAX_RATE, Math.max(MIN_RATE, plan.rate));
    const body = { voiceId: voice.id, text, pitch: 100 * plan.pitch, speed: 100 * speed };
    const { pcm } = await this.#thread.request<PicoSpeech>('speak', body, call);
    return { pcm: playAsTape(pcm, SAMPLE_RATE_HZ, plan.tape), sampleRateHz: SAMPLE_RATE_HZ };
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
