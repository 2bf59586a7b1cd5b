import { LivedubError } from '../../../pipeline/errors.ts';
import { serveEngineThread } from '../../engine-thread-serve.ts';
import { DraftMemory } from '../draft-memory.ts';
import { amplified } from '../level.ts';
import { repeatsItself } from '../repetition.ts';
import { tokenStarts, withoutPauses } from './alignment.ts';
import { ENCODER_FRAME_SAMPLES } from './log-mel.ts';
import { TokenText } from './token-text.ts';
import { WhisperDecoder, type WhisperFiles } from './whisper-decoder.ts';
import type { WhisperAnswer, WhisperAsk } from './whisper-host.ts';

/** Thread side of WhisperHost. */
let decoder: WhisperDecoder | undefined;
let text: TokenText | undefined;
const drafts = new DraftMemory();
/**
 * Silence behind the sound, in encoder frames of 20 ms. The model was trained on 30 s: with 6 s it makes as few errors as
 * with all of them, with 1 s half as many again, which a partial hypothesis can bear.
 */
const PARTIAL_PAD_FRAMES = 50;
const FINAL_PAD_FRAMES = 300;
/** Tried when it loops: all 30 s, then less. */
const RETRY_PAD_FRAMES = [1_500, 100];
const FRAME_MS = ENCODER_FRAME_SAMPLES / 16;

serveEngineThread({
  load: async (files: WhisperFiles) => {
    decoder = await WhisperDecoder.load(files);
    text = new TokenText(decoder.json.vocabulary);
    return { result: decoder.json.languages.map(([code]) => code) };
  },
  decode: async (ask: WhisperAsk, { throwIfAborted }) => {
    if (!decoder || !text) throw new LivedubError('LIVEDUB_E_INTERNAL', 'decode came before load.');
    const { pcm, gain, language, task, maxTokens, grows, align } = ask;
    const draft = task === 'transcribe' ? drafts.take(pcm) : undefined;
    const padding = grows ? PARTIAL_PAD_FRAMES : FINAL_PAD_FRAMES;
    const sound = { pcm: amplified(pcm, gain), language, task, maxTokens, align, padFrames: padding };
    let found = await decoder.decode({ ...sound, ...(draft ? { draft } : {}) }, throwIfAborted);
    // Greedy decoding can fall into a loop that another length of silence gets it out of. A partial hypothesis can wait.
    for (const padFrames of grows ? [] : RETRY_PAD_FRAMES) {
      if (!found.hitLimit && !repeatsItself(text.decode(found.ids))) break;
      found = await decoder.decode({ ...sound, padFrames }, throwIfAborted);
    }
    if (grows && !found.hitLimit) drafts.put(pcm, found.ids);
    const frames = Math.min(decoder.json.shape.audioFrames, Math.ceil(pcm.length / ENCODER_FRAME_SAMPLES));
    const starts = align ? tokenStarts(found.attention, decoder.json.alignmentHeads, frames) : [];
    const words = align
      ? withoutPauses(
          text.words(found.ids, found.language).map(({ text: word, from, to }) => ({
            text: word,
            startMs: starts[from]! * FRAME_MS,
            endMs: starts[to]! * FRAME_MS,
            confidence: Math.exp(mean(found.logProbs.slice(from, to))),
          })),
        )
      : [];
    const { meanLogProb, noSpeechProb, languageProb, hitLimit } = found;
    const result: WhisperAnswer = {
      text: text.decode(found.ids).trim(),
      tokens: found.ids.length,
      words,
      language: found.language,
      meanLogProb,
      noSpeechProb,
      languageProb,
      hitLimit,
    };
    return { result };
  },
});

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
