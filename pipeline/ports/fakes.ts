import type { AudioFrame } from '../frames.ts';
import type { OutputMark } from '../stages/mark.ts';
import type { ClauseLog, ClauseLogEntry } from './clause-log.ts';
import type { EngineInfo } from './engine.ts';
import type { RecogniseRequest, Recogniser } from './recogniser.ts';
import type { Synthesiser, Voice } from './synthesiser.ts';
import type { Translator } from './translator.ts';
import type { Vad } from './vad.ts';

/** Engines for unit tests of stages. They hear what `spokenScript` says, and nothing else. */

const RATE_HZ = 16_000;
/** Each word of a script lasts this long. */
export const SCRIPT_WORD_MS = 400;
/** Words are told apart by their tone: word n is spoken at 300 + 60 n Hz. */
const FIRST_TONE_HZ = 300;
const TONE_STEP_HZ = 60;
/** Tones are read in blocks of this length, ms. */
const BLOCK_MS = 40;

export const FAKE_ENGINE: EngineInfo = { id: 'fake', version: '1', licence: 'MIT' };
export const FAKE_VOICE: Voice = {
  id: 'fake',
  language: 'es',
  name: 'Fake',
  gender: 'unknown',
  pitchHz: 150,
  tier: 'gist',
};

/** A mark like any other, of a key that protects nothing. */
export const TEST_MARK: OutputMark = {
  key: { keyId: 7, issuer: 'test', secret: new Uint8Array(32).fill(7) },
  rendition: 0x123456789,
};

/** Sound of words in which each word has its own tone; `~` is one word's length of silence. */
export function spokenScript(words: readonly string[], rateHz = RATE_HZ): Float32Array {
  const perWord = (rateHz * SCRIPT_WORD_MS) / 1000;
  const pcm = new Float32Array(words.length * perWord);
  for (const [i, word] of words.entries()) {
    if (word === '~') continue;
    const step = (2 * Math.PI * (FIRST_TONE_HZ + TONE_STEP_HZ * i)) / rateHz;
    for (let at = i * perWord; at < (i + 1) * perWord; at += 1) pcm[at] = 0.3 * Math.sin(step * at);
  }
  return pcm;
}

/** Sound as frames of 20 ms. */
export function* framesOf(pcm: Float32Array, rateHz = RATE_HZ): Generator<AudioFrame> {
  const length = rateHz / 50;
  for (let at = 0; at + length <= pcm.length; at += length) {
    yield {
      kind: 'audio',
      mediaTimeUs: Math.round((at * 1e6) / rateHz),
      sampleRateHz: rateHz,
      planes: [pcm.slice(at, at + length)],
    };
  }
}

/** Speech is whatever is not silent. */
export function fakeVad(): Vad {
  return {
    info: FAKE_ENGINE,
    windowSamples: 512,
    open: () => ({
      process: async (pcm) =>
        Float32Array.from({ length: pcm.length / 512 }, (_, i) =>
          pcm.subarray(i * 512, i * 512 + 512).some((x) => Math.abs(x) > 0.05) ? 1 : 0,
        ),
      close: () => undefined,
    }),
    close: async () => undefined,
  };
}

/** Hears the words of a script; a word at the end of a growing window that is not yet whole is heard wrongly. */
export function fakeRecogniser(
  script: readonly string[],
  delay: () => Promise<void> = async () => undefined,
): Recogniser {
  return {
    info: FAKE_ENGINE,
    capabilities: {
      languages: ['en'],
      wordTimes: true,
      identifiesLanguage: false,
      maxWindowMs: 30_000,
      partialEveryMs: 480,
    },
    recognise: async ({ pcm, final }: RecogniseRequest) => {
      await delay();
      const words = [];
      for (const { index, startMs, endMs } of tones(pcm)) {
        const whole = endMs - startMs > SCRIPT_WORD_MS * 0.55;
        if (script[index] === undefined || (final && !whole)) continue;
        words.push({ text: whole ? script[index] : 'uh', startMs, endMs, confidence: 1 });
      }
      return { text: words.map((word) => word.text).join(' '), words, language: 'en', confidence: 0.9 };
    },
    close: async () => undefined,
  };
}

/** Runs of one tone, at least three blocks long. */
function tones(pcm: Float32Array): { index: number; startMs: number; endMs: number }[] {
  const block = (RATE_HZ * BLOCK_MS) / 1000;
  const runs: { index: number; startMs: number; endMs: number }[] = [];
  for (let at = 0; at + block <= pcm.length; at += block) {
    const index = toneIndex(pcm.subarray(at, at + block));
    const startMs = (at * 1000) / RATE_HZ;
    const last = runs.at(-1);
    if (last?.index === index) last.endMs = startMs + BLOCK_MS;
    else runs.push({ index, startMs, endMs: startMs + BLOCK_MS });
  }
  return runs.filter(({ index, startMs, endMs }) => index >= 0 && endMs - startMs >= 3 * BLOCK_MS);
}

function toneIndex(block: Float32Array): number {
  let crossings = 0;
  let peak = 0;
  for (let i = 1; i < block.length; i += 1) {
    if (block[i - 1]! < 0 !== block[i]! < 0) crossings += 1;
    peak = Math.max(peak, Math.abs(block[i]!));
  }
  return peak < 0.05 ? -1 : Math.round(((crossings / 2) * (1000 / BLOCK_MS) - FIRST_TONE_HZ) / TONE_STEP_HZ);
}

/** Translates by putting the language in front. */
export function fakeTranslator(delay: () => Promise<void> = async () => undefined): Translator {
  return {
    info: FAKE_ENGINE,
    pairs: [{ from: 'en', to: 'es', tier: 'gist', via: [] }],
    needsAudio: false,
    translate: async ({ text, to }) => {
      await delay();
      return { text: `${to}: ${text}`, unknownWords: [] };
    },
    close: async () => undefined,
  };
}

/** Speaks a tone, 60 ms a letter. */
export function fakeSynthesiser(delay: () => Promise<void> = async () => undefined): Synthesiser {
  return {
    info: FAKE_ENGINE,
    voices: [FAKE_VOICE],
    deterministic: true,
    synthesise: async ({ text }) => {
      await delay();
      const length = Math.round(text.length * 0.06 * RATE_HZ);
      const pcm = Float32Array.from({ length }, (_, i) => 0.3 * Math.sin((2 * Math.PI * 220 * i) / RATE_HZ));
      return { pcm, sampleRateHz: RATE_HZ };
    },
    close: async () => undefined,
  };
}

/** A clause log in memory. */
export function memoryClauseLog(): ClauseLog & { readonly entries: ClauseLogEntry[] } {
  const entries: ClauseLogEntry[] = [];
  return {
    entries,
    append: async (entry) => void entries.push(entry),
    read: async () => entries,
    close: async () => undefined,
  };
}
