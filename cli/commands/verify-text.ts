import type {
  PictureReport,
  SoundReport,
  Verdict,
  VerifyFinding,
  VerifyReport,
} from '../../server/verify/contract.ts';

const LANGUAGES = new Intl.DisplayNames(['en'], { type: 'language' });

const VERDICTS: Readonly<Record<Verdict, string>> = {
  ours: 'Dubbed here.',
  'present-unreadable': 'Dubbed here, but the watermark is too damaged to say what it is.',
  'not-found':
    'No watermark of this server was found. It was not dubbed here, or too little of the dub is left to tell.',
  'nothing-to-examine': 'Nothing in this file can be examined.',
};

const MEDIUM_VERDICTS: Readonly<Record<Verdict, string>> = {
  ours: 'watermarked',
  'present-unreadable': 'watermarked, unreadable',
  'not-found': 'no watermark found',
  'nothing-to-examine': 'nothing to examine',
};

/** A report as people read it; ends with a line break. */
export function reportText(report: VerifyReport): string {
  const lines = [VERDICTS[report.verdict]];
  for (const track of report.sound) {
    const named = [`sound track ${track.track}`, track.title].filter(Boolean).join(', ');
    lines.push(...mediumLines(named, track));
  }
  if (report.picture) lines.push(...mediumLines('picture', report.picture));
  if (report.agreement === 'same') lines.push('  sound and picture agree');
  lines.push(...report.notes.map(({ text }) => `  note: ${text}`));
  // Titles come from files: what could steer a terminal is left out.
  return `${lines.map((line) => line.replace(/\p{C}/gu, '')).join('\n')}\n`;
}

function mediumLines(name: string, medium: SoundReport | PictureReport): string[] {
  const { verdict, examinedS, findings, presence } = medium;
  const strength = presence && verdict === 'present-unreadable' ? ` by ${presence.issuer}` : '';
  return [
    `  ${name}: ${MEDIUM_VERDICTS[verdict]}${strength} (${examinedS.toFixed(1)} s examined)`,
    ...findings.map((finding) => `    ${findingText(finding, 'track' in medium ? 'speed' : 'scale')}`),
  ];
}

function findingText(finding: VerifyFinding, rate: 'speed' | 'scale'): string {
  const { channel, language, mode, kind, minute, wallTime, startS, endS } = finding;
  const name =
    channel.visibility === 'unknown'
      ? `rendition ${finding.rendition}, unknown here`
      : channel.title === undefined
        ? 'a private channel'
        : channel.title === channel.id
          ? channel.title
          : `${channel.title} (${channel.id})`;
  const parts = [
    `${startS.toFixed(1)}–${endS.toFixed(1)} s`,
    name,
    ...(language === undefined ? [] : [LANGUAGES.of(language) ?? language]),
    ...(mode === undefined ? [] : [`${mode}, ${kind === 'face' ? 'lips moved' : kind}`]),
    `minute ${minute + 1}${wallTime === undefined ? '' : ` (${wallTime.slice(0, 16).replace('T', ' ')} UTC)`}`,
    confidenceText(finding),
    `by ${finding.issuer}`,
  ];
  if (Math.abs(finding.speed - 1) > 5e-4) parts.push(`${rate} ${finding.speed.toFixed(3)}`);
  return parts.join(' · ');
}

function confidenceText({ confidence, falseAlarmLog10, how }: VerifyFinding): string {
  const percent = Math.min(99.9999, Math.floor(confidence * 1e6) / 1e4);
  return `confidence ${percent} % (${how}; chance of error 1 in 10^${Math.floor(-falseAlarmLog10)})`;
}
