import type { Verdict, VerifyFinding, VerifyReport } from '../../../server/verify/contract.ts';
import { ownName } from '../languages.ts';

/** Largest clip that the server takes, as it comes set up; it has the last word. */
export const MAX_CLIP_BYTES = 64 * 2 ** 20;

/** The answer in one line. */
export function headline(report: VerifyReport): string {
  switch (report.verdict) {
    case 'ours':
      return isKnown(report) ? 'Yes, this was dubbed here.' : 'Marked with this server’s key.';
    case 'present-unreadable':
      return 'Marked here, but what the mark says is lost.';
    case 'not-found':
      return 'No watermark of this server was found.';
    case 'nothing-to-examine':
      return 'There is nothing in this clip to examine.';
  }
}

/** What the answer means, and what it does not. */
export function meaning(report: VerifyReport): readonly string[] {
  switch (report.verdict) {
    case 'ours':
      if (isKnown(report) && report.sound.every(({ findings }) => findings.length === 0))
        return ['The picture is that of a dub made here; its sound is another, or has been replaced.'];
      return isKnown(report)
        ? ['The voice in the parts shown below was made by a machine: it is an AI dub, not the speaker.']
        : ['The key is this server’s, but its records do not know the dub: it may have been deleted here.'];
    case 'present-unreadable':
      return [
        'The pattern of this server’s watermark is there, too weak to say which programme, language or minute it is.',
        'A longer piece, or one that was converted less often, may still be readable.',
      ];
    case 'not-found':
      return [
        'Either the clip was not dubbed here, or its watermark did not survive.',
        'It does not mean that the clip is authentic: other services make AI voices too, and leave no mark that can be read here.',
      ];
    case 'nothing-to-examine':
      return ['It has no sound or picture that can carry a watermark, or it is silent, or too short.'];
  }
}

function isKnown(report: VerifyReport): boolean {
  return findingsOf(report).some(({ channel }) => channel.visibility !== 'unknown');
}

/** All that was found, in every track and in the picture. */
export function findingsOf(report: VerifyReport): readonly VerifyFinding[] {
  return [...report.sound, ...(report.picture ? [report.picture] : [])].flatMap(({ findings }) => findings);
}

const VERDICTS: Readonly<Record<Verdict, string>> = {
  ours: 'dubbed here',
  'present-unreadable': 'marked, not readable',
  'not-found': 'no watermark found',
  'nothing-to-examine': 'nothing to examine',
};

export function verdictText(verdict: Verdict): string {
  return VERDICTS[verdict];
}

/** Whose programme it is, as far as anyone may know. */
export function channelText({ channel }: VerifyFinding): string {
  if (channel.visibility === 'private') return 'A private programme';
  if (channel.visibility === 'unknown') return 'An unknown programme';
  return channel.title ?? channel.id ?? 'A programme';
}

/** ISO 639-2 for several languages: a picture that belongs to more than one dub. */
const SEVERAL = 'mul';

/** What all findings of one dub are of, as `dubsOf` has them, e.g. `AI dub, lips moved, Español`. */
export function dubText(found: readonly VerifyFinding[]): string {
  const language = found[0]?.language;
  return [
    'AI dub',
    ...(found.some(({ kind }) => kind === 'face') ? ['lips moved'] : []),
    ...(language === undefined || language === SEVERAL ? [] : [ownName(language)]),
  ].join(', ');
}

/** Findings that belong to one dub, in the order in which the clip has them; a picture goes with the sound it belongs to. */
export function dubsOf(report: VerifyReport): readonly (readonly VerifyFinding[])[] {
  const dubs = new Map<string, VerifyFinding[]>();
  const findings = [...findingsOf(report)].sort((a, b) => a.startS - b.startS);
  const programme = ({ issuer, channel }: VerifyFinding) => JSON.stringify([issuer, channel]);
  for (const finding of findings) {
    const { language } = finding;
    const spoken =
      language === SEVERAL
        ? findings.find((one) => one.language !== SEVERAL && programme(one) === programme(finding))?.language
        : language;
    const key = `${programme(finding)} ${spoken}`;
    dubs.set(key, [...(dubs.get(key) ?? []), finding]);
  }
  // The name of a dub is that of its sound.
  return [...dubs.values()].map((found) => [
    ...found.filter(({ language }) => language !== SEVERAL),
    ...found.filter(({ language }) => language === SEVERAL),
  ]);
}

/**
 * Which minute of the programme the clip begins in, e.g. `minute 13 (from 12:00 on)`; with its date and time where the
 * programme was live.
 * @param locale of the date. Default: the browser's
 */
export function minuteText({ minute, wallTime }: VerifyFinding, locale?: string): string {
  const text = `minute ${minute + 1} of the programme, from ${hours(minute * 60)} on`;
  if (wallTime === undefined) return text;
  const when = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short' });
  return `${when.format(new Date(wallTime))} (${text})`;
}

/** s → `0:07` or `1:02:03`. */
export function hours(timeS: number): string {
  const whole = Math.floor(timeS);
  const pad = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${pad(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(whole % 60)}`;
}

/** How sure it is: `over 99.99 %`, six nines at most. */
export function certaintyText({ falseAlarmLog10 }: VerifyFinding): string {
  const nines = Math.min(8, Math.floor(-falseAlarmLog10));
  return nines < 3 ? `over ${nines < 2 ? '90' : '99'} %` : `over 99.${'9'.repeat(nines - 2)} %`;
}

/** The chance that it is none, e.g. `1 in 10¹²`. */
export function chanceText({ falseAlarmLog10 }: VerifyFinding): string {
  const power = Math.max(0, Math.floor(-falseAlarmLog10));
  return power < 7 ? `1 in ${(10 ** power).toLocaleString('en')}` : `1 in 10${superscript(power)}`;
}

function superscript(value: number): string {
  return String(value).replace(/\d/g, (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)] ?? '');
}

/** Bytes → `12.3 MB`, of 2²⁰ bytes each, as limits are. */
export function sizeText(bytes: number): string {
  if (bytes < 2 ** 20) return `${Math.ceil(bytes / 2 ** 10)} kB`;
  return `${(bytes / 2 ** 20).toFixed(1).replace('.0', '')} MB`;
}

/** s → `40 s` or `3 min`. */
export function waitText(seconds: number): string {
  return seconds < 100 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
