import { describe, expect, it } from 'vitest';
import type { VerifyFinding, VerifyReport } from '../../../server/verify/contract.ts';
import {
  certaintyText,
  chanceText,
  channelText,
  dubsOf,
  dubText,
  headline,
  hours,
  meaning,
  minuteText,
  waitText,
} from './report-text.ts';

const FOUND: VerifyFinding = {
  ...{ issuer: 'livedub', channel: { visibility: 'public', id: 'talk', title: 'A talk' }, language: 'es' },
  ...{ minute: 12, startS: 0, endS: 5, confidence: 1, falseAlarmLog10: -40.2, score: 20, threshold: 6 },
  ...{ how: 'read', speed: 1 },
};
const report = (finding?: VerifyFinding): VerifyReport => ({
  ...{ format: 'livedub-verify/1', verdict: finding ? 'ours' : 'not-found', examinedS: 5, notes: [] },
  sound: [
    {
      ...{ track: 0, codec: 'aac', verdict: finding ? 'ours' : 'not-found', examinedS: 5 },
      findings: finding ? [finding] : [],
    },
  ],
});

describe('the text of a report', () => {
  it('names a minute as people count, and its time of day where there is one', () => {
    expect(minuteText(FOUND)).toBe('minute 13 of the programme, from 12:00 on');
    expect(minuteText({ ...FOUND, wallTime: '2026-03-04T18:12:00Z' }, 'en-GB')).toMatch(
      /^4 March 2026 at \d\d:\d\d \(minute 13 /u,
    );
  });

  it('names no private programme, and says when the records know none', () => {
    expect(channelText({ ...FOUND, channel: { visibility: 'private' } })).toBe('A private programme');
    const unknown = report({ ...FOUND, channel: { visibility: 'unknown' } });
    expect(headline(unknown)).not.toMatch(/^Yes/u);
    expect(headline(report(FOUND))).toMatch(/^Yes/u);
  });

  it('puts a picture of several dubs with the sound it came with', () => {
    const picture = { codec: 'h264', widthPx: 640, heightPx: 360, verdict: 'ours', examinedS: 5 } as const;
    const both = { ...report(FOUND), picture: { ...picture, findings: [{ ...FOUND, language: 'mul' }] } };
    expect(dubsOf(both).map((found) => found.map(({ language }) => language))).toEqual([['es', 'mul']]);
    const alone = { ...report(), picture: both.picture };
    expect(dubsOf(alone).map((found) => dubText(found))).toEqual(['AI dub']);
  });

  it('says where lips were moved, of a private programme, too', () => {
    const face = { ...FOUND, channel: { visibility: 'private' as const }, kind: 'face' as const };
    expect(dubText([FOUND])).toBe('AI dub, Español');
    expect(dubText([{ ...face, kind: 'mix' }, face])).toBe('AI dub, lips moved, Español');
  });

  it('does not take a clip without a watermark for an authentic one', () => {
    expect(meaning(report()).join(' ')).toMatch(/does not mean that the clip is authentic/u);
  });

  it('says how sure it is without claiming certainty', () => {
    expect(certaintyText(FOUND)).toBe('over 99.999999 %');
    expect(certaintyText({ ...FOUND, falseAlarmLog10: -6.5 })).toBe('over 99.9999 %');
    expect(chanceText(FOUND)).toBe('1 in 10⁴⁰');
    expect(chanceText({ ...FOUND, falseAlarmLog10: -6.5 })).toBe('1 in 1,000,000');
  });

  it('writes times and waits', () => {
    expect([hours(7.9), hours(605), hours(3723)]).toEqual(['0:07', '10:05', '1:02:03']);
    expect([waitText(9.2), waitText(420)]).toEqual(['10 s', '7 min']);
  });
});
