import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CaptionBuilder, CaptionWriter, formatCaptions } from './captions.ts';

const clause = (startMs: number, endMs: number, text: string) => ({
  startUs: startMs * 1000,
  endUs: endMs * 1000,
  text,
});
const build = (...clauses: ReturnType<typeof clause>[]) => {
  const builder = new CaptionBuilder();
  return [...clauses.flatMap((c) => builder.append(c)), ...builder.flush()];
};

describe('CaptionBuilder', () => {
  it('breaks a clause into two lines of about the same length', () => {
    const [cue] = build(clause(0, 3000, 'The quick brown fox jumps over the lazy dog near the river'));
    expect(cue!.lines).toEqual(['The quick brown fox jumps over', 'the lazy dog near the river']);
  });

  it('shares a long clause out in time by its characters', () => {
    const cues = build(clause(1000, 9000, 'word '.repeat(40)));
    expect(cues.length).toBe(3);
    expect(cues[0]!.startUs).toBe(1_000_000);
    expect(cues[2]!.endUs).toBe(9_000_000);
    expect(cues[1]!.startUs).toBe(cues[0]!.endUs);
    expect(Math.abs(cues[0]!.endUs - 3_666_000)).toBeLessThan(700_000);
  });

  it('holds a short cue for a second, but never into the next', () => {
    const cues = build(clause(0, 200, 'Yes.'), clause(500, 700, 'No.'));
    expect(cues.map((c) => [c.startUs, c.endUs])).toEqual([
      [0, 500_000],
      [500_000, 1_500_000],
    ]);
  });

  it('shows nothing for empty text', () => {
    expect(build(clause(0, 1000, ' \n '))).toEqual([]);
  });

  it('never overlaps, never exceeds lines or widths and loses no word', () => {
    const text = fc
      .array(fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }), { maxLength: 30 })
      .map((w) => w.join(' '));
    const timed = fc.record({
      gapMs: fc.integer({ min: -3000, max: 3000 }),
      lengthMs: fc.integer({ min: 0, max: 9000 }),
      text,
    });
    fc.assert(
      fc.property(fc.array(timed, { maxLength: 8 }), (items) => {
        let at = 0;
        const clauses = items.map((item) => {
          at = Math.max(0, at + item.gapMs);
          const made = clause(at, at + item.lengthMs, item.text);
          at += item.lengthMs;
          return made;
        });
        const cues = build(...clauses);
        cues.forEach((cue, i) => {
          expect(cue.endUs).toBeGreaterThan(cue.startUs);
          if (i > 0) expect(cue.startUs).toBeGreaterThanOrEqual(cues[i - 1]!.endUs);
          expect(cue.lines.length).toBeLessThanOrEqual(2);
          for (const line of cue.lines) expect(line.trim()).not.toBe('');
        });
        const squeeze = (s: string) => s.replace(/[\p{Cc}\s\u2028\u2029]+/gu, '');
        expect(squeeze(cues.flatMap((c) => c.lines).join(''))).toBe(
          squeeze(clauses.map((c) => c.text).join('')),
        );
      }),
      { numRuns: 100 },
    );
  });
});

describe('CaptionWriter', () => {
  it('writes WebVTT with escapes and a language', () => {
    const text = formatCaptions('vtt', [clause(3_661_001, 3_663_000, 'a < b --> c & d')], { language: 'es' });
    expect(text).toBe(
      'WEBVTT\nKind: captions\nLanguage: es\n\n1\n01:01:01.001 --> 01:01:03.000\na &lt; b --&gt; c &amp; d\n\n',
    );
  });

  it('writes a note into WebVTT, where players do not show it, and none into SRT', () => {
    const note = 'AI dub';
    expect(formatCaptions('vtt', [clause(0, 1000, 'one')], { language: 'es', note })).toBe(
      'WEBVTT\nKind: captions\nLanguage: es\n\nNOTE AI dub\n\n1\n00:00:00.000 --> 00:00:01.000\none\n\n',
    );
    expect(formatCaptions('srt', [clause(0, 1000, 'one')], { note })).toBe(
      '1\n00:00:00,000 --> 00:00:01,000\none\n\n',
    );
  });

  it('writes SRT with commas and without anything that looks like a tag', () => {
    const text = formatCaptions('srt', [clause(0, 2000, '<i>one</i> --> two'), clause(2000, 4000, 'three')]);
    expect(text).toBe(
      '1\n00:00:00,000 --> 00:00:02,000\n‹i›one‹/i› → two\n\n2\n00:00:02,000 --> 00:00:04,000\nthree\n\n',
    );
  });

  it('can be appended cue by cue', () => {
    const writer = new CaptionWriter('vtt');
    const builder = new CaptionBuilder();
    let file = writer.head();
    for (const c of [clause(0, 1000, 'one'), clause(1000, 2000, 'two')])
      for (const cue of builder.append(c)) file += writer.cue(cue);
    for (const cue of builder.flush()) file += writer.cue(cue);
    expect(file).toBe(formatCaptions('vtt', [clause(0, 1000, 'one'), clause(1000, 2000, 'two')]));
  });
});
