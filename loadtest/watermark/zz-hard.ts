import { loadMaterial } from './material.ts';
import { ATTACKS } from './attacks.ts';
import { makeMusic, MUSIC_STYLES } from './music.ts';
import { bookOf, cutClips, judgeClip, summarise, trialKey, trialLayout } from './audio-trials.ts';
import { markSound } from './marking.ts';
import { AudioMarkDetector } from '../../pipeline/mark/audio/detector.ts';
const signal = new AbortController().signal;
const m = await loadMaterial({ seconds: 90, signal });
const music = new Float32Array(180 * 48000); MUSIC_STYLES.forEach((style, i) => { music.set(makeMusic({ style, seconds: 60, seed: i + 1 }), i * 60 * 48000); });
const key = await trialKey('robustness'); const R = 0x5_1234_5678;
const d = await AudioMarkDetector.create({ keys: [key], candidates: bookOf(key.keyId, [R]) });
for (const strength of ['discreet', 'firm'] as const) {
  const [y] = await markSound([m.sound], { layout: await trialLayout(key), keyId: key.keyId, rendition: R, strength });
  for (const id of process.argv.slice(2)) {
    const i = ATTACKS.findIndex((a) => a.id === id); const attack = ATTACKS[i]!;
    const s = await attack.apply(y!, { folder: '/tmp', signal, music });
    const out = [];
    for (const clip of cutClips(s, { lengthS: 5, count: 40, seed: 100 * i + 3 })) out.push(judgeClip(clip, await d.detect(clip.samples), 0, { keyId: key.keyId, renditions: [R], originalS: attack.originalS ?? ((x) => x) }));
    const r = summarise(5, out);
    console.log(strength, id, 'read', r.read.count, 'named', r.named.count, 'wrong', r.wrong, 'score', r.meanScore.toFixed(1), r.lowScore.toFixed(1));
  }
}
