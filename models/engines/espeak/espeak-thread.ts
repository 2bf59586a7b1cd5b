import { pathToFileURL } from 'node:url';
import { LivedubError } from '../../../pipeline/errors.ts';
import { serveEngineThread } from '../../engine-thread-serve.ts';
import { project } from '../phoneme-aligner/project.ts';
import { WasmSnapshot } from '../wasm-snapshot.ts';
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

interface EspeakModule {
  readonly HEAPU8: Uint8Array;
}

/** Longest text, bytes of UTF-8: the port's text buffer is made once, this large. */
const MAX_TEXT_BYTES = 32_768;

let module: EspeakModule | undefined;
let engine: EspeakWasm | undefined;
/** Memory before any voice was chosen, and with each voice that has been. */
let fresh: WasmSnapshot | undefined;
const voices = new Map<string, WasmSnapshot>();

/** Brings the engine into the state in which it reads its first text with this voice. */
function chooseVoice(espeak: EspeakWasm, { HEAPU8 }: EspeakModule, voice: string): void {
  const known = voices.get(voice);
  if (known !== undefined) {
    known.restore(HEAPU8);
    return;
  }
  fresh?.restore(HEAPU8);
  if (espeak.set_voice(voice) !== 0) {
    throw new LivedubError('LIVEDUB_E_ENGINE_FAILED', `eSpeak NG has no voice ${voice}.`);
  }
  voices.set(voice, new WasmSnapshot(HEAPU8));
}

function read({ text, voice, rate, pitch }: EspeakReading): EspeakUtterance {
  if (engine === undefined || module === undefined) {
    throw new LivedubError('LIVEDUB_E_INTERNAL', 'A reading came before load.');
  }
  if (Buffer.byteLength(text) >= MAX_TEXT_BYTES) {
    throw new LivedubError(
      'LIVEDUB_E_BAD_REQUEST',
      `A text of ${text.length} characters is too long to read.`,
    );
  }
  chooseVoice(engine, module, voice);
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
    const loaded = await init();
    const espeak: EspeakWasm = await new loaded.eSpeakNGWorker();
    // The port keeps a pointer to its text buffer outside of the memory that is put back, so that buffer must never
    // move: a name that long makes it large enough, the next call puts it in place.
    espeak.set_voice('-'.repeat(2 * MAX_TEXT_BYTES));
    espeak.set_voice('en-us');
    [module, engine, fresh] = [loaded, espeak, new WasmSnapshot(loaded.HEAPU8)];
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
