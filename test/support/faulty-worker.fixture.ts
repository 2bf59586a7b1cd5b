// A live worker some of whose engines do not always do their work. FAULTS is JSON, a list of Fault. Started by the fault
// tests in place of `livedub live-worker`.

import { ApertiumTranslator } from '../../models/engines/apertium/apertium-translator.ts';
import { EspeakSynthesiser } from '../../models/engines/espeak/espeak-synthesiser.ts';
import { MoonshineRecogniser } from '../../models/engines/moonshine.ts';
import { PicoSynthesiser } from '../../models/engines/pico/pico-synthesiser.ts';
import { WhisperRecogniser } from '../../models/engines/whisper/whisper-recogniser.ts';
import { runLiveWorker } from '../../server/live/worker/run-live-worker.ts';
import {
  type FromLiveWorker,
  type ToLiveWorker,
  ToLiveWorkerSchema,
} from '../../server/live/worker-messages.ts';
import { openProcessPort } from '../../server/worker/control-port.ts';

export interface Fault {
  readonly engine: 'translator' | 'voice' | 'recogniser';
  readonly does: 'throw' | 'hang';
  /** Calls, counted from 1. */
  readonly from: number;
  readonly to: number;
}

const CALLS = {
  translator: [[ApertiumTranslator.prototype, 'translate']],
  voice: [
    [PicoSynthesiser.prototype, 'synthesise'],
    [EspeakSynthesiser.prototype, 'synthesise'],
  ],
  recogniser: [
    [MoonshineRecogniser.prototype, 'recognise'],
    [WhisperRecogniser.prototype, 'recognise'],
  ],
} as const;

for (const fault of JSON.parse(process.env.FAULTS ?? '[]') as Fault[]) {
  let calls = 0;
  for (const [prototype, name] of CALLS[fault.engine]) {
    const methods = prototype as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
    const works = methods[name]!;
    methods[name] = function (this: unknown, ...args: unknown[]) {
      calls += 1;
      if (calls < fault.from || calls > fault.to) return works.apply(this, args);
      return fault.does === 'throw'
        ? Promise.reject(new Error('this engine is broken'))
        : new Promise(() => undefined);
    };
  }
}

const port = openProcessPort<FromLiveWorker, ToLiveWorker>({ endpoint: process, schema: ToLiveWorkerSchema });
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
await runLiveWorker({ port, signal: stop.signal });
if (process.connected) process.disconnect();
process.exit(0);
