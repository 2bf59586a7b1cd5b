import type { MarkDetection, MarkFinding } from '../../pipeline/mark/finding.ts';
import type { MarkKey } from '../../pipeline/mark/mark-key.ts';
import type { MediaInfo } from '../../pipeline/media/probe.ts';
import type { IssuedMark } from '../../pipeline/ports/mark-registry.ts';
import type {
  PictureReport,
  Presence,
  SoundReport,
  Verdict,
  VerifyFinding,
  VerifyNote,
  VerifyReport,
} from './contract.ts';

/** What was found in one track, with the names that belong to it. */
export interface ExaminedTrack {
  /** Seconds that were read, and how many of them could carry a mark. */
  readonly examinedS: number;
  readonly usableS: number;
  /** It was decoded to its end. */
  readonly isWhole: boolean;
  readonly detection: MarkDetection;
  /** What the registry knows of each finding, in the same order. */
  readonly issued: readonly (IssuedMark | undefined)[];
}

export interface ReportParts {
  readonly media: MediaInfo | undefined;
  /** By audio track; those beyond the limit are absent. */
  readonly sound: readonly ExaminedTrack[];
  readonly picture: ExaminedTrack | undefined;
  readonly keys: readonly MarkKey[];
  /** Something was left out for lack of time or by a limit on length. */
  readonly isPart: boolean;
}

/** Shorter than this nothing can be told apart from chance, s. */
const LEAST_USABLE_S = 0.5;
/** The chance that is left where the bound says practically none: doubles end there. */
const LEAST_LOG10 = -300;

/** Puts a report together for the operator, with every name. `publicReport` takes out what is private. */
export function composeReport(parts: ReportParts): VerifyReport {
  const { media, keys } = parts;
  const said = { sound: programmesOf(parts.sound), picture: programmesOf(listOf(parts.picture)) };
  const agreement = agreementOf(said.sound, said.picture);
  const sound = parts.sound.map((track, place): SoundReport => {
    const info = media!.audio[place]!;
    return {
      track: place,
      ...(info.title === undefined ? {} : { title: info.title.slice(0, 200) }),
      ...(info.language === undefined ? {} : { language: info.language }),
      codec: info.codec,
      ...mediumOf(track, keys, said.picture, bestChance(listOf(parts.picture))),
    };
  });
  const video = media?.video;
  const picture: PictureReport | undefined = parts.picture &&
    video && {
      codec: video.codec,
      widthPx: video.widthPx,
      heightPx: video.heightPx,
      ...mediumOf(parts.picture, keys, said.sound, bestChance(parts.sound)),
    };
  const all = [...sound, ...listOf(picture)];
  return {
    format: 'livedub-verify/1',
    verdict: strongest(all.map(({ verdict }) => verdict)),
    ...(media && media.durationUs > 0 ? { durationS: media.durationUs / 1e6 } : {}),
    examinedS: Math.max(0, ...all.map(({ examinedS }) => examinedS)),
    sound,
    ...(picture ? { picture } : {}),
    ...(agreement ? { agreement } : {}),
    notes: notesOf(parts, sound, picture, agreement),
  };
}

/** The same report for anyone: private channels without their names and times. */
export function publicReport(report: VerifyReport): VerifyReport {
  const shown = ({ findings, ...rest }: { findings: readonly VerifyFinding[] }) => ({
    ...rest,
    findings: findings.map(withoutPrivate),
  });
  return {
    ...report,
    sound: report.sound.map((track) => ({ ...track, ...shown(track) })),
    ...(report.picture ? { picture: { ...report.picture, ...shown(report.picture) } } : {}),
  };
}

function withoutPrivate(finding: VerifyFinding): VerifyFinding {
  if (finding.channel.visibility !== 'private') return finding;
  const { mode: _m, source: _s, wallTime: _w, rendition: _r, ...rest } = finding;
  return { ...rest, channel: { visibility: 'private' } };
}

function mediumOf(
  track: ExaminedTrack,
  keys: readonly MarkKey[],
  elsewhere: ReadonlySet<string>,
  chanceElsewhere: number,
) {
  const { detection, issued } = track;
  const findings = detection.findings.map((finding, place) => {
    const mark = issued[place];
    const agrees = mark !== undefined && elsewhere.has(programmeOf(mark));
    return findingOf(finding, mark, keys, agrees ? chanceElsewhere : 0);
  });
  const presence = presenceOf(detection, keys);
  const examinedS = Math.round(track.examinedS * 1000) / 1000;
  return { verdict: verdictOf(track), examinedS, findings, ...(presence ? { presence } : {}) };
}

function verdictOf({ detection, usableS }: ExaminedTrack): Verdict {
  if (detection.findings.length > 0) return 'ours';
  if (detection.presence !== undefined) return 'present-unreadable';
  return usableS < LEAST_USABLE_S ? 'nothing-to-examine' : 'not-found';
}

const STRENGTH: readonly Verdict[] = ['ours', 'present-unreadable', 'not-found'];

function strongest(verdicts: readonly Verdict[]): Verdict {
  return STRENGTH.find((verdict) => verdicts.includes(verdict)) ?? 'nothing-to-examine';
}

/** @param otherLog natural logarithm of the chance that the other medium names the same programme by accident */
function findingOf(
  finding: MarkFinding,
  mark: IssuedMark | undefined,
  keys: readonly MarkKey[],
  otherLog: number,
): VerifyFinding {
  const { keyId, minute, rendition } = finding.payload;
  const log = Math.min(0, finding.logFalseAlarm + otherLog);
  return {
    issuer: issuerOf(keys, keyId),
    channel: mark
      ? {
          visibility: mark.channel.isPublic ? 'public' : 'private',
          id: mark.channel.id,
          title: mark.channel.title,
        }
      : { visibility: 'unknown' },
    ...(mark ? { language: mark.language, mode: mark.mode, kind: mark.kind, source: mark.source } : {}),
    ...(mark?.source === 'live' ? wallTimeOf(mark, minute) : {}),
    rendition: rendition.toString(16).padStart(9, '0'),
    minute,
    startS: finding.startS,
    endS: finding.endS,
    confidence: -Math.expm1(log),
    falseAlarmLog10: Math.max(LEAST_LOG10, log / Math.LN10),
    score: finding.score,
    threshold: finding.threshold,
    how: finding.how,
    speed: finding.speed,
  };
}

function wallTimeOf(mark: IssuedMark, minute: number): { wallTime?: string } {
  const time = new Date(Date.parse(mark.startedAt) + minute * 60_000);
  return Number.isNaN(time.getTime()) ? {} : { wallTime: time.toISOString() };
}

function presenceOf({ presence }: MarkDetection, keys: readonly MarkKey[]): Presence | undefined {
  if (presence === undefined) return undefined;
  const { keyId, score, threshold } = presence;
  return { issuer: issuerOf(keys, keyId), score, threshold };
}

function issuerOf(keys: readonly MarkKey[], keyId: number): string {
  return keys.find((key) => key.keyId === keyId)?.issuer ?? 'unknown';
}

/** Sound and picture of one programme have marks of their own; the programme is what they share. */
function programmeOf({ channel, programme }: IssuedMark): string {
  return `${channel.id} ${programme}`;
}

/** What the tracks name: programmes, or bare renditions where nobody knows them. */
function programmesOf(tracks: readonly ExaminedTrack[]): ReadonlySet<string> {
  const named = tracks.flatMap(({ detection, issued }) =>
    detection.findings.map(({ payload }, place) => {
      const mark = issued[place];
      return mark ? programmeOf(mark) : `? ${payload.keyId} ${payload.rendition}`;
    }),
  );
  return new Set(named);
}

function bestChance(tracks: readonly ExaminedTrack[]): number {
  return Math.min(
    0,
    ...tracks.flatMap(({ detection }) => detection.findings.map((one) => one.logFalseAlarm)),
  );
}

function agreementOf(
  sound: ReadonlySet<string>,
  picture: ReadonlySet<string>,
): VerifyReport['agreement'] | undefined {
  if (sound.size === 0 && picture.size === 0) return undefined;
  if (sound.size === 0 || picture.size === 0) return 'one-only';
  return [...picture].some((one) => sound.has(one)) ? 'same' : 'different';
}

function notesOf(
  parts: ReportParts,
  sound: readonly SoundReport[],
  picture: PictureReport | undefined,
  agreement: VerifyReport['agreement'],
): VerifyNote[] {
  const tracks = [...parts.sound, ...listOf(parts.picture)];
  const all = [...sound, ...listOf(picture)];
  const leftOut = (parts.media?.audio.length ?? 0) - sound.length;
  const isSoundOurs = sound.some(({ verdict }) => verdict === 'ours');
  const several = tracks.some(({ detection }) => {
    const named = detection.findings.map(({ payload }) => `${payload.keyId} ${payload.rendition}`);
    return new Set(named).size > 1;
  });
  const notes: [boolean, VerifyNote['code'], string][] = [
    [parts.isPart, 'examined-in-part', 'The clip is longer than what was examined.'],
    [
      tracks.some(({ isWhole }) => !isWhole),
      'damaged',
      'The clip is damaged or breaks off: what can be decoded was examined.',
    ],
    [leftOut > 0, 'tracks-left-out', `${leftOut} more audio tracks were not examined.`],
    [
      all.length > 1 && all.some(({ verdict }) => verdict === 'nothing-to-examine'),
      'empty-track',
      'A track holds nothing that could be examined.',
    ],
    [
      picture?.findings.some(({ kind }) => kind === 'face') ?? false,
      'lips-moved',
      'The picture is of a version in which a machine moves the lips of who speaks to fit the dub.',
    ],
    [
      agreement === 'one-only' && isSoundOurs && picture?.verdict === 'not-found',
      'sound-only',
      'Only the sound is marked: a dub leaves the picture as it came unless it is asked for.',
    ],
    [
      agreement === 'one-only' && !isSoundOurs && sound.some(({ verdict }) => verdict === 'not-found'),
      'picture-only',
      'The picture is marked and the sound is not: the sound may have been replaced.',
    ],
    [agreement === 'different', 'different-sources', 'Sound and picture come from different programmes.'],
    [several, 'cut-together', 'One track holds marks of several renditions: it was cut together or mixed.'],
    [
      all.some(({ findings }) => findings.some(({ channel }) => channel.visibility === 'unknown')),
      'unknown-here',
      'A mark was made with a key of this server, but the server does not know what for.',
    ],
  ];
  return notes.flatMap(([applies, code, text]) => (applies ? [{ code, text }] : []));
}

function listOf<T>(one: T | undefined): readonly T[] {
  return one === undefined ? [] : [one];
}
