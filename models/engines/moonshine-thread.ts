import { LivedubError } from '../../pipeline/errors.ts';
import { serveEngineThread } from '../engine-thread-serve.ts';
import { DraftMemory } from './draft-memory.ts';
import { amplified } from './level.ts';
import type { MoonshineRecogniseBody } from './moonshine.ts';
import { MoonshineDecoder, type MoonshineFiles } from './moonshine-decoder.ts';

/** Thread side of MoonshineRecogniser. */
let decoder: MoonshineDecoder | undefined;
const drafts = new DraftMemory();

serveEngineThread({
  load: async (files: MoonshineFiles) => {
    decoder = await MoonshineDecoder.load(files);
    return { result: undefined };
  },
  recognise: async ({ pcm, gain, final, maxTokens }: MoonshineRecogniseBody, { throwIfAborted }) => {
    if (!decoder) throw new LivedubError('LIVEDUB_E_INTERNAL', 'recognise came before load.');
    const draft = drafts.take(pcm);
    const result = await decoder.decode(amplified(pcm, gain), {
      maxTokens,
      step: throwIfAborted,
      ...(draft ? { draft } : {}),
    });
    if (!final && !result.hitLimit) drafts.put(pcm, result.ids);
    return { result };
  },
});
