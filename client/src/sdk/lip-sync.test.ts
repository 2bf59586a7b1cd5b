import { describe, expect, it } from 'vitest';
import { LipSync } from './lip-sync.ts';

/** A browser whose sounds are late by themselves, and that follows its targets at once. */
function settle(sync: LipSync, lateMs: Readonly<Record<string, number>>, steps = 25): number[] {
  const ahead = () =>
    new Map(
      Object.entries(lateMs).map(([sound, late]) => [sound, sync.pictureMs - sync.soundMs(sound) - late]),
    );
  for (let at = 0; at < steps; at += 1) sync.step(ahead());
  return [...ahead().values()].map(Math.abs);
}

describe('picture and sounds', () => {
  it('come together whichever is late', () => {
    for (const lateMs of [-400, -60, 0, 60, 400]) {
      expect(Math.max(...settle(new LipSync(), { voice: lateMs }))).toBeLessThan(10);
    }
  });

  it('wait for the latest of two sounds, the other sound too', () => {
    expect(Math.max(...settle(new LipSync(), { voice: 350, original: 0 }, 40))).toBeLessThan(10);
    expect(Math.max(...settle(new LipSync(), { voice: -80, original: 200 }, 40))).toBeLessThan(10);
  });

  it('are held back no more than needed once the cause has gone', () => {
    const sync = new LipSync();
    settle(sync, { voice: 300 });
    settle(sync, { voice: -300 });
    settle(sync, { voice: 0 }, 40);
    expect(Math.min(sync.soundMs('voice'), sync.pictureMs)).toBeLessThan(210);
  });

  it('stay within bounds, and are left alone when nobody could see the difference', () => {
    const sync = new LipSync();
    sync.step(new Map([['voice', 9]]));
    expect([sync.pictureMs, sync.soundMs('voice')]).toEqual([200, 200]);
    for (let at = 0; at < 100; at += 1) sync.step(new Map([['voice', 900]]));
    expect([sync.pictureMs, sync.soundMs('voice')]).toEqual([200, 1500]);
  });
});
