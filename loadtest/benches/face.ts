import { FACE_AHEAD_MS } from '../../pipeline/live-tuning.ts';
import { FILE_AHEAD_US } from '../../server/dub/steady-faces.ts';
import type { Bench } from '../bench/bench.ts';
import { measureFaceCost } from '../face/cost-section.ts';
import { faceClips } from '../face/face-clips.ts';
import { openFaceEngines } from '../face/face-engines.ts';
import { gpuFaceSection } from '../face/gpu-section.ts';
import { measureLips } from '../face/quality-section.ts';
import { SyncNet } from '../face/syncnet.ts';

/** How long faces are looked at ahead on live channels. */
const LIVE_AHEAD_US = FACE_AHEAD_MS * 1000;
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
      for (const aheadUs of context.quick ? [LIVE_AHEAD_US] : [LIVE_AHEAD_US, FILE_AHEAD_US])
        await measureLips(context, { ...engines, syncNet, clips, aheadUs });
    } finally {
      await syncNet?.close();
      await engines.close();
    }
    await measureFaceCost(context, clips[0]!);
  },
};
