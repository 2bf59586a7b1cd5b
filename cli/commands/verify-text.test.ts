import { describe, expect, it } from 'vitest';
import type { VerifyFinding, VerifyReport } from '../../server/verify/contract.ts';
import { reportText } from './verify-text.ts';

const finding: VerifyFinding = {
  issuer: 'Example TV',
  channel: { visibility: 'public', id: 'my-show', title: 'My show' },
  language: 'es',
  mode: 'synced',
  kind: 'mix',
  source: 'live',
  wallTime: '2026-03-01T12:03:00.000Z',
  rendition: '000000abc',
  minute: 3,
  startS: 0.5,
  endS: 9.5,
  confidence: 1,
  falseAlarmLog10: -43.4,
  score: 20,
  threshold: 11,
  how: 'read',
  speed: 1.02,
};

const report: VerifyReport = {
  format: 'livedub-verify/1',
  verdict: 'ours',
  durationS: 10,
  examinedS: 10,
  sound: [{ track: 0, title: 'Español', codec: 'aac', verdict: 'ours', examinedS: 10, findings: [finding] }],
  picture: { codec: 'h264', widthPx: 640, heightPx: 360, verdict: 'not-found', examinedS: 10, findings: [] },
  agreement: 'one-only',
  notes: [{ code: 'sound-only', text: 'Only the sound is marked.' }],
};

describe('the text of a verification', () => {
  it('names channel, language, minute and confidence', () => {
    expect(reportText(report)).toBe(
      [
        'Dubbed here.',
        '  sound track 0, Español: watermarked (10.0 s examined)',
        '    0.5–9.5 s · My show (my-show) · Spanish · synced, mix · minute 4 (2026-03-01 12:03 UTC) · ' +
          'confidence 99.9999 % (read; chance of error 1 in 10^43) · by Example TV · speed 1.020',
        '  picture: no watermark found (10.0 s examined)',
        '  note: Only the sound is marked.',
        '',
      ].join('\n'),
    );
  });

  it('says that lips were moved', () => {
    const findings = [{ ...finding, kind: 'face' as const }];
    const picture = { ...report.picture!, verdict: 'ours' as const, findings };
    const text = 'The picture is of a version in which a machine moves lips.';
    const said = reportText({ ...report, picture, notes: [{ code: 'lips-moved', text }] });
    expect(said).toContain('Spanish · synced, lips moved · minute 4');
    expect(said).toContain(`  note: ${text}`);
  });

  it('names nothing that is private or unknown', () => {
    const { language: _, mode: _m, kind: _k, wallTime: _w, ...bare } = finding;
    const unknown = { ...bare, channel: { visibility: 'unknown' as const } };
    const hidden = { ...finding, channel: { visibility: 'private' as const } };
    const sound = [{ ...report.sound[0]!, findings: [unknown, hidden] }];
    const text = reportText({ ...report, sound });
    expect(text).toContain('rendition 000000abc, unknown here · minute 4 ·');
    expect(text).toContain('a private channel · Spanish');
  });

  it('lets no title steer the terminal', () => {
    const sound = [{ ...report.sound[0]!, title: '\x1b[2J\nDubbed here.\u202e' }];
    expect(reportText({ ...report, sound })).toContain('sound track 0, [2JDubbed here.: watermarked');
  });
});
