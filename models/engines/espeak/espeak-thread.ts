import { pathToFileURL } from 'node:url';
import { LivedubError } from '../../../pipeline/errors.ts';
import { serveEngineThread } from '../../engine-thread-serve.ts';
import { project } from '../phoneme-aligner/project.ts';
import {
  type EspeakAlignBody,
  type EspeakLoadBody,
  type EspeakPhoneme,
  type EspeakReading,
  type EspeakUtterance,
  NORMAL_RATE,
} from './utterance.ts';

interface EspeakEvent {
  readonly type: string;
  /** Counts from 1. */
  readonly text_position: number;
  readonly audio_position: number;
  readonly id?: string | number;
}

/** The wasm port's own interface, as far as it is used. */
interface EspeakWasm {
  get_samplerate(): number;
  set_voice(name: string): number;
  set_rate(wordsPerMinute: number): void;
  set_pitch(pitch: number): void;
  synthesize(text: string, onChunk: (pcm: Int16Array, events: readonly EspeakEvent[]) => number): void;
}

let engine: EspeakWasm | undefined;
let currentVoice = '';

function read({ text, voice, rate, pitch }: EspeakReading): EspeakUtterance {
  if (engine === undefined) throw new LivedubError('LIVEDUB_E_INTERNAL', 'A reading came before load.');
  if (voice !== currentVoice && engine.set_voice(voice) !== 0) {
    throw new LivedubError('LIVEDUB_E_ENGINE_FAILED', `eSpeak NG has no voice ${voice}.`);
  }
  currentVoice = voice;
  engine.set_rate(Math.round(rate));
  engine.set_pitch(Math.round(pitch));
  const chunks: Int16Array[] = [];
  const phonemes: EspeakPhoneme[] = [];
  engine.synthesize(text, (pcm, events) => {
    chunks.push(pcm);
    for (const event of events) {
      if (event.type !== 'phoneme' || typeof event.id !== 'string') continue;
      phonemes.push({
        phoneme: event.id,
        startMs: event.audio_position,
        textPosition: Math.max(0, event.text_position - 1),
      });
    }
    return 0;
  });
  const pcm = new Float32Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) for (const sample of chunk) pcm[at++] = sample / 32768;
  return { pcm, sampleRateHz: engine.get_samplerate(), phonemes };
}

serveEngineThread({
  load: async ({ scriptPath }: EspeakLoadBody) => {
    const { default: init } = await import(pathToFileURL(scriptPath).href);
    const module = await init();
    engine = await new module.eSpeakNGWorker();
    // The first readings are slow until the wasm is compiled for speed.
    read({ text: 'One two three.', voice: 'en-us', rate: NORMAL_RATE, pitch: 50 });
    return { result: undefined };
  },
  read: (body: EspeakReading) => {
    const result = read(body);
    return { result, transfer: [result.pcm.buffer as ArrayBuffer] };
  },
  align: ({ pcm, ...reading }: EspeakAlignBody) => ({ result: project(reading.text, read(reading), pcm) }),
});
