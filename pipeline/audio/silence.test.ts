import { describe, expect, it } from 'vitest';
import { innerPauses, positionAfterCuts, speechSpan, trimEdges, trimPauses } from './silence.ts';

const RATE = 48_000;
const ms = (value: number) => Math.round((value * RATE) / 1000);

/** Alternating silence and a 200 Hz tone, lengths in ms, silence first. */
function pattern(gain: number, ...lengthsMs: number[]): Float32Array {
  const out: number[] = [];
  lengthsMs.forEach((length, index) => {
    for (let i = 0; i < ms(length); i++)
      out.push(index % 2 === 0 ? 0 : gain * Math.sin((2 * Math.PI * 200 * i) / RATE));
  });
  return Float32Array.from(out);
}

describe('speechSpan and trimEdges', () => {
  it('find the speech and keep 30 ms around it', () => {
    const span = speechSpan(pattern(0.3, 200, 500, 300))!;
    expect(span.start).toBe(ms(170));
    expect(span.end).toBe(ms(730));
    expect(trimEdges(pattern(0.3, 200, 500, 300)).pcm.length).toBe(ms(560));
  });

  it('do not cut a quiet voice', () => {
    const quiet = pattern(0.002, 0, 500);
    expect(trimEdges(quiet).pcm.length).toBe(quiet.length);
  });

  it('say that silence is silence', () => {
    expect(speechSpan(new Float32Array(RATE))).toBeUndefined();
    expect(speechSpan(new Float32Array(0))).toBeUndefined();
    expect(trimEdges(new Float32Array(100)).pcm.length).toBe(0);
  });
});

describe('innerPauses and trimPauses', () => {
  it('shorten long pauses only, leaving 120 ms and the edges', () => {
    const speech = pattern(0.3, 0, 400, 600, 400, 100, 400);
    const pauses = innerPauses(speech);
    expect(pauses).toEqual([{ start: ms(430), end: ms(970) }]);
    const trimmed = trimPauses(speech);
    expect(trimmed.pcm.length).toBe(speech.length - ms(420));
    expect(trimmed.removed).toEqual([{ start: ms(490), end: ms(910) }]);
    expect(trimmed.pcm.subarray(0, ms(400))).toEqual(speech.subarray(0, ms(400)));
    expect(trimmed.pcm.subarray(-ms(900))).toEqual(speech.subarray(-ms(900)));
  });

  it('leave sound without pauses alone', () => {
    const speech = pattern(0.3, 0, 700);
    expect(trimPauses(speech)).toEqual({ pcm: speech, removed: [] });
  });

  it('tell where a sample went', () => {
    const removed = [
      { start: 100, end: 200 },
      { start: 300, end: 350 },
    ];
    expect([50, 100, 150, 200, 250, 400].map((s) => positionAfterCuts(s, removed))).toEqual([
      50, 100, 100, 100, 150, 250,
    ]);
  });
});
