import { FULL_AHEAD_US, liveAheadUs } from '../../pipeline/face/look-ahead.ts';
import { MIN_DELAY_MS } from '../../server/live/contract.ts';
import type { Bench } from '../bench/bench.ts';
import { measureFaceCost } from '../face/cost-section.ts';
import { faceClips } from '../face/face-clips.ts';
import { openFaceEngines } from '../face/face-engines.ts';
import { gpuFaceSection } from '../face/gpu-section.ts';
import { measureLips } from '../face/quality-section.ts';
import { SyncNet } from '../face/syncnet.ts';

/** How long faces are looked at ahead, and where. */
const LEAST = { where: 'live, delay 2 s', aheadUs: liveAheadUs(MIN_DELAY_MS) };
const FULL = { where: 'files, and live from a delay of 2.9 s on', aheadUs: FULL_AHEAD_US };
/** Clips of a quick look: the two longer ones, and three people more. */
const QUICK_CLIPS = 5;

export const bench: Bench = {
  name: 'face',
  what: 'faces that speak the dub: lips, identity, speed, memory',
  order: 9,
  run: async (context) => {
    if (context.gpu) await gpuFaceSection(context);
    const all = await faceClips();
    const clips = context.quick ? all.slice(0, QUICK_CLIPS) : all;
    const engines = await openFaceEngines(context.signal);
    const syncNet = await SyncNet.openInstalled();
    if (syncNet === undefined) context.print('LSE-C, LSE-D', 'not measured: no SyncNet network is installed');
    try {
      for (const ahead of context.quick ? [LEAST] : [LEAST, FULL])
        await measureLips(context, { ...engines, ...ahead, syncNet, clips });
    } finally {
      await syncNet?.close();
      await engines.close();
    }
    await measureFaceCost(context, clips[0]!);
  },
};
