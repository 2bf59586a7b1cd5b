import { describe, expect, it } from 'vitest';
import type { MarkFinding } from '../../pipeline/mark/finding.ts';
import type { MarkKey } from '../../pipeline/mark/mark-key.ts';
import type { MediaInfo } from '../../pipeline/media/probe.ts';
import type { IssuedMark } from '../../pipeline/ports/mark-registry.ts';
import { VerifyReportSchema } from './contract.ts';
import { composeReport, type ExaminedTrack, publicReport, type ReportParts } from './report.ts';

const keys: MarkKey[] = [{ keyId: 7, issuer: 'Example TV', secret: new Uint8Array(32) }];
const track = { index: 0, codec: 'aac', channels: 2, sampleRateHz: 48_000, language: 'es', title: 'Español' };
const media = {
  durationUs: 10_000_000,
  audio: [track, { ...track, language: 'fr', title: undefined }],
  video: { codec: 'h264', widthPx: 640, heightPx: 360 },
} as unknown as MediaInfo;

function mark(rendition: number, changes: Partial<IssuedMark> = {}): IssuedMark {
  return {
    keyId: 7,
    issuer: 'Example TV',
    channel: { id: 'my-show', title: 'My show', isPublic: true },
    source: 'live',
    programme: 'p1',
    language: 'es',
    mode: 'synced',
    kind: 'mix',
    startedAt: '2026-03-01T12:00:00.000Z',
    rendition,
    issuedAt: '2026-03-01T12:00:00.000Z',
    ...changes,
  };
}

function found(rendition: number, minute = 3): MarkFinding {
  return {
    payload: { keyId: 7, rendition, minute },
    how: 'read',
    startS: 0.5,
    endS: 9.5,
    score: 20,
    threshold: 11,
    logFalseAlarm: -100,
    speed: 1,
  };
}

function examined(
  marks: readonly (IssuedMark | number)[] = [],
  changes: Partial<ExaminedTrack> = {},
): ExaminedTrack {
  return {
    examinedS: 10,
    usableS: 10,
    isWhole: true,
    detection: {
      findings: marks.map((one) => found(typeof one === 'number' ? one : one.rendition)),
      presence: undefined,
      examinedS: 10,
    },
    issued: marks.map((one) => (typeof one === 'number' ? undefined : one)),
    ...changes,
  };
}

function report(parts: Partial<ReportParts>) {
  const made = composeReport({ media, sound: [], picture: undefined, keys, isPart: false, ...parts });
  expect(VerifyReportSchema.parse(made)).toEqual(made);
  return made;
}

const notesOf = (parts: Partial<ReportParts>) => report(parts).notes.map(({ code }) => code);

describe('composeReport', () => {
  it('names channel, language, minute and time of what was found', () => {
    const made = report({ sound: [examined([mark(0xabc)]), examined()] });
    expect(made).toMatchObject({ verdict: 'ours', agreement: 'one-only', durationS: 10, examinedS: 10 });
    expect(made.sound[0]).toMatchObject({ track: 0, title: 'Español', language: 'es', verdict: 'ours' });
    expect(made.sound[0]!.findings[0]).toMatchObject({
      issuer: 'Example TV',
      channel: { visibility: 'public', id: 'my-show', title: 'My show' },
      language: 'es',
      minute: 3,
      wallTime: '2026-03-01T12:03:00.000Z',
      rendition: '000000abc',
      confidence: 1,
      falseAlarmLog10: expect.closeTo(-43.4, 1),
    });
    expect(made.sound[1]!.verdict).toBe('not-found');
  });

  it('says whether sound and picture come from the same programme, and is surer where they do', () => {
    const same = report({ sound: [examined([mark(1)])], picture: examined([mark(2, { kind: 'voice' })]) });
    expect(same.agreement).toBe('same');
    expect(same.sound[0]!.findings[0]!.falseAlarmLog10).toBeCloseTo(-86.9, 1);
    const other = { sound: [examined([mark(1)])], picture: examined([mark(2, { programme: 'p2' })]) };
    expect(report(other).agreement).toBe('different');
    expect(notesOf(other)).toEqual(['tracks-left-out', 'different-sources']);
  });

  it('says what is marked and what is not', () => {
    const two = { media: { ...media, audio: [track] } as unknown as MediaInfo };
    expect(notesOf({ ...two, sound: [examined([mark(1)])], picture: examined() })).toEqual(['sound-only']);
    expect(notesOf({ ...two, sound: [examined()], picture: examined([mark(1)]) })).toEqual(['picture-only']);
    expect(notesOf({ ...two, sound: [examined([mark(1), mark(2)])] })).toEqual(['cut-together']);
    expect(notesOf({ ...two, sound: [examined([5])] })).toEqual(['unknown-here']);
    expect(notesOf({ ...two, sound: [examined([], { isWhole: false })], isPart: true })).toEqual([
      'examined-in-part',
      'damaged',
    ]);
  });

  it('says of a picture whose lips follow the dub that a machine moved them, and of no other', () => {
    const two = { media: { ...media, audio: [track] } as unknown as MediaInfo, sound: [examined([mark(1)])] };
    const moved = { ...two, picture: examined([mark(2, { kind: 'face' })]) };
    expect(report(moved).picture!.findings[0]!.kind).toBe('face');
    expect(notesOf(moved)).toEqual(['lips-moved']);
    expect(notesOf({ ...two, picture: examined([mark(2)]) })).toEqual([]);
  });

  it('never names what it does not know', () => {
    const { verdict, sound } = report({ sound: [examined([5])] });
    expect(verdict).toBe('ours');
    expect(sound[0]!.findings[0]!.channel).toEqual({ visibility: 'unknown' });
    expect(sound[0]!.findings[0]).not.toHaveProperty('language');
  });

  it('tells a damaged mark, none, and nothing to look at from each other', () => {
    const presence = { keyId: 7, score: 8, threshold: 7 };
    const damaged = examined([], { detection: { findings: [], presence, examinedS: 10 } });
    expect(report({ sound: [damaged, examined()] })).toMatchObject({
      verdict: 'present-unreadable',
      sound: [{ presence: { issuer: 'Example TV', score: 8, threshold: 7 } }, {}],
    });
    expect(report({ sound: [examined()] }).verdict).toBe('not-found');
    expect(report({ sound: [examined([], { usableS: 0.1 })] }).verdict).toBe('nothing-to-examine');
    expect(report({ media: undefined }).verdict).toBe('nothing-to-examine');
  });
});

describe('publicReport', () => {
  it('keeps language and minute of a private channel, and nothing that tells which it is', () => {
    const secret = mark(0xabc, { channel: { id: 'board-room', title: 'Board meeting', isPublic: false } });
    const made = report({ sound: [examined([secret])], picture: examined([{ ...secret, kind: 'face' }]) });
    expect(made.sound[0]!.findings[0]!.channel).toMatchObject({ visibility: 'private', id: 'board-room' });
    const told = publicReport(made);
    expect(VerifyReportSchema.parse(told)).toEqual(told);
    expect(JSON.stringify(told)).not.toMatch(/board|abc|2026|synced/i);
    expect(told.sound[0]!.findings[0]).toMatchObject({
      channel: { visibility: 'private' },
      language: 'es',
      minute: 3,
    });
    // What a machine did to the picture is no secret.
    expect(told.picture!.findings[0]!.kind).toBe('face');
    expect(told.notes.map(({ code }) => code)).toContain('lips-moved');
  });

  it('leaves public channels as they are', () => {
    const made = report({ sound: [examined([mark(1)])] });
    expect(publicReport(made)).toEqual(made);
  });
});
