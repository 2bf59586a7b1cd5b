import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from '../bench/bench.ts';
import { type AttackTools, SOUND_RATE_HZ } from '../watermark/attacks.ts';
import { measureCost } from '../watermark/cost-section.ts';
import { measureFalseAlarms } from '../watermark/false-alarm-section.ts';
import { loadMaterial } from '../watermark/material.ts';
import { measureMixtures } from '../watermark/mixture-section.ts';
import { MUSIC_STYLES, makeMusic } from '../watermark/music.ts';
import { measureOwnPipeline } from '../watermark/own-pipeline-section.ts';
import { measureQuality } from '../watermark/quality-section.ts';
import { measureRobustness } from '../watermark/robustness-section.ts';
import { TrialPool } from '../watermark/trial-pool.ts';
import { measureVideo } from '../watermark/video-section.ts';

const FULL = {
  speechS: 350,
  qualityS: 600,
  clips: [
    { lengthS: 1, count: 60 },
    { lengthS: 3, count: 60 },
    { lengthS: 5, count: 400 },
    { lengthS: 10, count: 60 },
  ],
  falseAlarmS: 10 * 3600,
  mixtures: 100,
  videoClips: 60,
} as const;
const QUICK = {
  speechS: 90,
  qualityS: 180,
  clips: [
    { lengthS: 1, count: 10 },
    { lengthS: 3, count: 10 },
    { lengthS: 5, count: 40 },
    { lengthS: 10, count: 10 },
  ],
  falseAlarmS: 700,
  mixtures: 12,
  videoClips: 9,
} as const;

/** Music under all of the speech: a piece of so many seconds in each style. */
const MUSIC_S = 60;

export const bench: Bench = {
  name: 'watermark',
  what: 'marks of sound and picture: what they survive, false alarms, quality, cost',
  order: 8,
  run: async (context) => {
    const { quick, folder, signal, progress } = context;
    const amount = quick ? QUICK : FULL;
    const material = await loadMaterial({ seconds: amount.speechS, signal, progress });
    context.print(
      'sound that is marked',
      `${material.origin}; of the FLEURS recordings those with odd numbers, which tuning did not use\nmusic: synthesised, ${MUSIC_STYLES.join(', ')}\nSHA-256 of its samples: ${material.sha256}`,
    );
    context.record('material', { ...material, sound: undefined });
    const tools: AttackTools = { folder: join(folder, 'attacks'), signal, music: music() };
    await mkdir(tools.folder, { recursive: true });

    await measureCost(context, { material, tools });
    await measureQuality(context, { material, tools, seconds: amount.qualityS });
    const pool = await TrialPool.start({ signal });
    try {
      await measureRobustness(context, { material, pool, tools, plan: amount.clips });
      await measureMixtures(context, { material, pool, tools, count: amount.mixtures });
      await measureFalseAlarms(context, { material, pool, tools, seconds: amount.falseAlarmS });
    } finally {
      await pool.close();
    }
    await measureVideo(context, { count: amount.videoClips });
    await measureOwnPipeline(context);
  },
};

function music(): Float32Array {
  const all = new Float32Array(MUSIC_STYLES.length * MUSIC_S * SOUND_RATE_HZ);
  for (const [i, style] of MUSIC_STYLES.entries())
    all.set(makeMusic({ style, seconds: MUSIC_S, seed: i + 1 }), i * MUSIC_S * SOUND_RATE_HZ);
  return all;
}
