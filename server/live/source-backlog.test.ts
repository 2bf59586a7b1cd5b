import { describe, expect, it } from 'vitest';
import type { EncodedFrame } from '../../pipeline/frames.ts';
import { SourceBacklog } from './source-backlog.ts';

function packet(i: number): EncodedFrame {
  return {
    kind: 'encoded',
    codec: 'opus',
    mediaTimeUs: i * 20_000,
    durationUs: 20_000,
    keyframe: true,
    data: new Uint8Array([i & 0xff]),
  };
}

describe('SourceBacklog', () => {
  it('gives the sound from a media time on, the packet under way included', () => {
    const backlog = new SourceBacklog();
    for (let i = 0; i < 100; i += 1) backlog.push(packet(i));
    const from = backlog.from(1_010_000);
    expect(from[0]!.mediaTimeUs).toBe(1_000_000);
    expect(from).toHaveLength(50);
    expect(backlog.endUs).toBe(2_000_000);
    expect(backlog.from(2_000_000)).toEqual([]);
  });

  it('keeps no more than it was told, however long it runs', () => {
    const backlog = new SourceBacklog({ keepMs: 1000 });
    for (let i = 0; i < 10_000; i += 1) backlog.push(packet(i));
    const kept = backlog.from(0);
    expect(kept).toHaveLength(51);
    expect(kept.at(-1)!.mediaTimeUs).toBe(9999 * 20_000);
  });
});
