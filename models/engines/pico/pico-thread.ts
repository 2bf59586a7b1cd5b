import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { LivedubError } from '../../../pipeline/errors.ts';
import { serveEngineThread } from '../../engine-thread-serve.ts';
import { WasmSnapshot } from '../wasm-snapshot.ts';
import type { PicoLoadBody, PicoReading, PicoSpeech } from './pico-voices.ts';

/** The wasm port's own interface, as far as it is used: the C API of SVOX Pico on its heap. */
interface PicoWasm {
  readonly HEAPU8: Uint8Array;
  readonly HEAP16: Int16Array;
  readonly HEAP32: Int32Array;
  readonly FS: { writeFile(path: string, bytes: Uint8Array): void };
  _malloc(bytes: number): number;
  _pico_initialize(memory: number, bytes: number, system: number): number;
  _pico_loadResource(system: number, path: number, resource: number): number;
  _pico_getResourceName(system: number, resource: number, name: number): number;
  _pico_createVoiceDefinition(system: number, name: number): number;
  _pico_addResourceToVoiceDefinition(system: number, voice: number, resource: number): number;
  _pico_newEngine(system: number, voice: number, engine: number): number;
  _pico_putTextUtf8(engine: number, text: number, bytes: number, put: number): number;
  _pico_getData(engine: number, buffer: number, bytes: number, received: number, type: number): number;
}

/** Memory of one language's engine, as SVOX's own examples reserve it. */
const SYSTEM_BYTES = 3_000_000;
const BUFFER_BYTES = 4096;
const STEP_BUSY = 201;

/** One language: its lingware loaded, ready to speak. */
class PicoVoice {
  readonly #wasm: PicoWasm;
  readonly #engine: number;
  readonly #buffer: number;
  readonly #numbers: number;
  readonly #fresh: WasmSnapshot;

  constructor(wasm: PicoWasm, resourcePaths: readonly string[]) {
    this.#wasm = wasm;
    const memory = wasm._malloc(SYSTEM_BYTES);
    const pointer = wasm._malloc(16);
    this.#check(wasm._pico_initialize(memory, SYSTEM_BYTES, pointer), 'initialise');
    const system = wasm.HEAP32[pointer >> 2]!;
    const voice = this.#string('voice').pointer;
    const names = resourcePaths.map((path, at) => {
      // The port only finds resources in its own working folder.
      const inside = `./resource-${at}.bin`;
      wasm.FS.writeFile(inside, readFileSync(path));
      this.#check(wasm._pico_loadResource(system, this.#string(inside).pointer, pointer), `load ${path}`);
      const name = wasm._malloc(64);
      this.#check(wasm._pico_getResourceName(system, wasm.HEAP32[pointer >> 2]!, name), 'name a resource');
      return name;
    });
    this.#check(wasm._pico_createVoiceDefinition(system, voice), 'define a voice');
    for (const name of names) {
      this.#check(wasm._pico_addResourceToVoiceDefinition(system, voice, name), 'add a resource');
    }
    this.#check(wasm._pico_newEngine(system, voice, pointer), 'make an engine');
    this.#engine = wasm.HEAP32[pointer >> 2]!;
    this.#buffer = wasm._malloc(BUFFER_BYTES);
    this.#numbers = wasm._malloc(16);
    this.#fresh = new WasmSnapshot(wasm.HEAPU8);
  }

  speak({ text, pitch, speed }: PicoReading, throwIfAborted: () => void): Float32Array<ArrayBuffer> {
    const wasm = this.#wasm;
    this.#fresh.restore(wasm.HEAPU8);
    // Angle brackets would be read as Pico's own markup.
    const plain = text.replace(/[<>&\p{Cc}]/gu, ' ');
    const marked = `<pitch level="${Math.round(pitch)}"><speed level="${Math.round(speed)}">${plain}</speed></pitch>`;
    const { pointer, bytes } = this.#string(marked);
    const chunks: Int16Array[] = [];
    let samples = 0;
    for (let at = 0; at < bytes; ) {
      throwIfAborted();
      this.#check(
        wasm._pico_putTextUtf8(this.#engine, pointer + at, bytes - at, this.#numbers),
        'read the text',
      );
      at += wasm.HEAP16[this.#numbers >> 1]!;
      for (let step = STEP_BUSY; step === STEP_BUSY; ) {
        const [received, type] = [this.#numbers + 4, this.#numbers + 8];
        step = wasm._pico_getData(this.#engine, this.#buffer, BUFFER_BYTES, received, type);
        const count = wasm.HEAP16[received >> 1]!;
        if (count <= 0) continue;
        chunks.push(wasm.HEAP16.slice(this.#buffer >> 1, (this.#buffer + count) >> 1));
        samples += count >> 1;
      }
    }
    const pcm = new Float32Array(samples);
    let at = 0;
    for (const chunk of chunks) for (const sample of chunk) pcm[at++] = sample / 32768;
    return pcm;
  }

  #string(text: string): { pointer: number; bytes: number } {
    const utf8 = Buffer.from(`${text}\0`, 'utf8');
    const pointer = this.#wasm._malloc(utf8.length);
    this.#wasm.HEAPU8.set(utf8, pointer);
    return { pointer, bytes: utf8.length };
  }

  #check(status: number, what: string): void {
    if (status !== 0)
      throw new LivedubError('LIVEDUB_E_ENGINE_FAILED', `Pico could not ${what} (${status}).`);
  }
}

let options: PicoLoadBody | undefined;
const voices = new Map<string, Promise<PicoVoice>>();

/** Each language has a wasm instance of its own: two systems in one would share names. */
async function openVoice(voiceId: string): Promise<PicoVoice> {
  const resources = options?.resources[voiceId];
  if (options === undefined || resources === undefined) {
    throw new LivedubError('LIVEDUB_E_ENGINE_FAILED', `Pico has no lingware for ${voiceId}.`);
  }
  const { default: init } = await import(pathToFileURL(options.scriptPath).href);
  return new PicoVoice(await init(), resources);
}

serveEngineThread({
  load: (body: PicoLoadBody) => {
    options = body;
    return { result: undefined };
  },
  speak: async (body: PicoReading, { throwIfAborted }) => {
    let voice = voices.get(body.voiceId);
    if (voice === undefined) {
      voice = openVoice(body.voiceId);
      voices.set(body.voiceId, voice);
    }
    voice.catch(() => voices.delete(body.voiceId));
    const pcm = (await voice).speak(body, throwIfAborted);
    const result: PicoSpeech = { pcm };
    return { result, transfer: [pcm.buffer] };
  },
});
