import { execFileSync } from 'node:child_process';
import { afterAll, describe, expect, it } from 'vitest';
import { loadEngines } from '../models/registry.ts';
import type { AudioFrame, ClauseFrame } from '../pipeline/frames.ts';
import { framesOf } from '../pipeline/ports/fakes.ts';
import { runThrough } from '../pipeline/stage-harness.ts';
import { RecogniseStage } from '../pipeline/stages/recognise.ts';
import { SegmentStage } from '../pipeline/stages/segment.ts';
import { sharedFile } from './support/clips.ts';

const engines = await loadEngines();
afterAll(() => engines.close());

/** Sound as FFmpeg makes or mixes it, 16 kHz mono. */
function* sound(args: readonly string[]): Generator<AudioFrame> {
  const raw = execFileSync(
    'ffmpeg',
    ['-v', 'error', ...args, '-ac', '1', '-ar', '16000', '-f', 'f32le', '-'],
    { maxBuffer: 2 ** 28 },
  );
  yield* framesOf(new Float32Array(raw.buffer, raw.byteOffset, raw.length >> 2).slice());
}

/** What a channel of English would commit. */
async function clausesIn(frames: Iterable<AudioFrame>): Promise<string[]> {
  const { recogniser } = await engines.plan({ from: 'en', to: ['es'] });
  const segments = await runThrough(new SegmentStage({ vad: engines.vad }), frames);
  const stage = new RecogniseStage({
    recogniser,
    aligner: engines.aligner,
    language: 'en',
    priority: 'upload',
  });
  const out = await runThrough(stage, segments);
  return out.filter((frame): frame is ClauseFrame => frame.kind === 'clause').map((clause) => clause.text);
}

describe('sound without intelligible speech yields no words', () => {
  it('silence', async () => {
    expect(await clausesIn(sound(['-f', 'lavfi', '-i', 'anullsrc=d=6']))).toEqual([]);
  });

  it('noise', async () => {
    expect(await clausesIn(sound(['-f', 'lavfi', '-i', 'anoisesrc=d=8:a=0.3:color=pink:seed=3']))).toEqual(
      [],
    );
  });

  it('music', async () => {
    const chords = '0.2*(sin(2*PI*261.6*t)+sin(2*PI*329.6*t)+sin(2*PI*392*t))*exp(-3*mod(t\\,0.5))';
    const bass = '0.15*sin(2*PI*(110+20*floor(mod(t\\,4)))*t)';
    expect(await clausesIn(sound(['-f', 'lavfi', '-i', `aevalsrc='${chords}+${bass}':d=12`]))).toEqual([]);
  });

  it('a crowd of twenty people talking at once', async () => {
    const voices = ['en', 'es', 'fr', 'de', 'pt'].flatMap((language) =>
      [0, 1, 2, 3].map((n) => sharedFile(`speech/fleurs/fleurs-${language}-00${n}.ogg`)),
    );
    if (voices.includes(undefined)) return;
    const inputs = voices.flatMap((file) => ['-i', file!]);
    const mix = `amix=inputs=${voices.length}:duration=longest:normalize=0,aresample=16000,aformat=channel_layouts=mono,dynaudnorm`;
    expect(await clausesIn(sound([...inputs, '-filter_complex', mix, '-t', '14']))).toEqual([]);
  });
});
