import { join } from 'node:path';
import type { Engines } from '../../models/registry.ts';
import { run, sharedFile, synthesisedSpeech } from './clips.ts';

const READINGS = ['speech/en/LJ001-0001.wav', 'speech/en/LJ001-0004.wav', 'speech/en/jfk_16k.wav'];
const SENTENCES = [
  'Good morning. Today we talk about the weather in the mountains and in the valley.',
  'The river is cold, but the sun is warm, and people walk along the old road.',
  'In the evening they come back to the house and eat bread together.',
  'The children play in the garden, and the old man reads a book in the sun.',
];

/** English speech for a microphone, 48 kHz mono, half a minute: real where the shared test data are. */
export async function microphoneSpeech(folder: string): Promise<string> {
  const wav = join(folder, 'microphone.wav');
  const real = READINGS.map(sharedFile).filter((file) => file !== undefined);
  const files =
    real.length === READINGS.length
      ? real
      : [await synthesisedSpeech({ folder, language: 'en', texts: SENTENCES })];
  const pads = files.map(
    (_, i) => `[${i}:a]aresample=48000,aformat=channel_layouts=mono,apad=pad_dur=0.7[a${i}]`,
  );
  const joined = files.map((_, i) => `[a${i}]`).join('');
  await run('ffmpeg', [
    ...['-v', 'error', '-y', ...files.flatMap((file) => ['-i', file])],
    ...['-filter_complex', `${pads.join(';')};${joined}concat=n=${files.length}:v=0:a=1[out]`],
    ...['-map', '[out]', '-c:a', 'pcm_s16le', wav],
  ]);
  return wav;
}

/**
 * What an installed recogniser hears in a voice track.
 * @param pcm 16 kHz mono, silent between utterances
 * @returns undefined when none hears this language
 */
export async function transcribe(
  engines: Engines,
  language: string,
  pcm: Float32Array,
): Promise<string | undefined> {
  const pair = engines.pairs().find(({ from }) => from === language);
  if (pair === undefined) return undefined;
  const { recogniser } = await engines.plan({ from: language, to: [pair.to] });
  const texts: string[] = [];
  for (const { fromMs, toMs } of soundingParts(pcm)) {
    const { text } = await recogniser.recognise({
      pcm: pcm.slice(Math.max(0, fromMs - 200) * 16, (toMs + 200) * 16),
      language,
      final: true,
      signal: new AbortController().signal,
      priority: 'upload',
    });
    texts.push(text);
  }
  return texts.join(' ');
}

export interface SoundingPart {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Stretches of a voice track in which somebody speaks; shorter pauses than `pauseMs` belong to them. */
export function soundingParts(pcm: Float32Array, pauseMs = 500): SoundingPart[] {
  const stepMs = 20;
  const step = stepMs * 16;
  const parts: { fromMs: number; toMs: number }[] = [];
  for (let at = 0; at + step <= pcm.length; at += step) {
    let squares = 0;
    for (let i = at; i < at + step; i++) squares += pcm[i]! ** 2;
    if (squares / step < 1e-5) continue;
    const fromMs = at / 16;
    const last = parts.at(-1);
    if (last !== undefined && fromMs - last.toMs <= pauseMs) last.toMs = fromMs + stepMs;
    else parts.push({ fromMs, toMs: fromMs + stepMs });
  }
  return parts.filter(({ fromMs, toMs }) => toMs - fromMs >= 200);
}

/** Words of four letters or more, without accents: those that tell one sentence from another. */
export function contentWords(text: string): Set<string> {
  const plain = text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return new Set(plain.match(/[a-z]{4,}/g) ?? []);
}

/** Share of the words of one text that are in another, 0…1. */
export function sharedWords(wanted: string, found: string): number {
  const words = contentWords(wanted);
  const there = contentWords(found);
  return [...words].filter((word) => there.has(word)).length / Math.max(1, words.size);
}
