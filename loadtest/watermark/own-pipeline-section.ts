import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LivedubError } from '../../pipeline/errors.ts';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import type { VerifyReport } from '../../server/verify/contract.ts';
import type { BenchContext } from '../bench/bench.ts';
import { formatTable } from '../bench/table.ts';
import { buildClip } from '../clips/clip.ts';
import { englishParts } from '../clips/clip-parts.ts';
import { LiveServer } from '../live/live-server.ts';
import { BenchProgramme } from '../live/programme.ts';
import { dubLanguages } from '../measure/dub-languages.ts';
import { ffmpeg } from './video-material.ts';

const CHANNEL = 'own-pipeline';
/** From when on the dub is recorded, and for how long, ms. */
const FROM_MS = 15_000;
const LENGTH_MS = 35_000;

/** What people may do with the file that their browser recorded. */
const COPIES = [
  { title: 'as recorded (Opus)', name: 'recorded.webm', args: undefined },
  { title: 'then AAC 64 kb/s', name: 'copy.m4a', args: ['-c:a', 'aac', '-b:a', '64k'] },
  {
    title: 'then 10 s of it, MP3 64 kb/s',
    name: 'short.mp3',
    args: ['-ss', '18', '-t', '10', '-c:a', 'libmp3lame', '-b:a', '64k'],
  },
] as const;

interface Verified {
  readonly title: string;
  readonly language: LanguageCode;
  readonly report: VerifyReport;
  readonly isRight: boolean;
  readonly minutes: readonly number[];
}

/**
 * The whole way: a microphone in Chromium, the server, its dub, the SFU, another page of Chromium that records what it plays, and
 * POST /v1/verify with the recording.
 */
export async function measureOwnPipeline(context: BenchContext): Promise<void> {
  const { folder, signal } = context;
  context.progress('own pipeline: a live dub, recorded in the browser and verified');
  const [language] = await dubLanguages();
  const seconds = (FROM_MS + LENGTH_MS) / 1000 + 10;
  const clip = await buildClip({
    parts: await englishParts(signal),
    seconds,
    outFile: join(folder, 'speech.flac'),
    signal,
  });
  const microphone = join(folder, 'microphone.wav');
  await ffmpeg(['-i', clip.path, '-c:a', 'pcm_s16le', microphone], signal);
  const server = await LiveServer.start(join(folder, 'own-pipeline'));
  const closeAtOnce = () => void server.close();
  signal.addEventListener('abort', closeAtOnce, { once: true });
  try {
    const programme = {
      server,
      id: CHANNEL,
      languages: [language!],
      sound: 'microphone',
      picture: false,
      microphone,
      loop: true,
      signal,
    } as const;
    const verified = await BenchProgramme.during(programme, async (on) => {
      const viewer = await on.browser.page();
      await viewer.call('view', 'viewer', CHANNEL, { language, mode: 'interpret', video: false });
      await on.wait(FROM_MS);
      await viewer.call('recordTrack', 'viewer', `voice:${language}:interpret`);
      const fromMinute = Math.floor((Date.now() - on.originMs - 5000) / 60_000);
      await on.wait(LENGTH_MS);
      const recorded = join(folder, COPIES[0].name);
      await writeFile(recorded, Buffer.from(await viewer.call<string>('endRecording', 'viewer'), 'base64'));
      const toMinute = Math.floor((Date.now() - on.originMs) / 60_000);
      const out: Verified[] = [];
      for (const { title, name, args } of COPIES) {
        const file = join(folder, name);
        if (args !== undefined) await ffmpeg(['-i', recorded, ...args, file], signal);
        const report = await verify(server.base, file, signal);
        const findings = report.sound[0]?.findings ?? [];
        const isRight =
          findings.length > 0 &&
          findings.every(
            (one) =>
              one.channel.id === CHANNEL &&
              one.language === language &&
              one.minute >= Math.max(0, fromMinute) &&
              one.minute <= toMinute,
          );
        out.push({ title, language: language!, report, isRight, minutes: findings.map((one) => one.minute) });
      }
      return out;
    });
    reportVerified(context, verified);
  } finally {
    signal.removeEventListener('abort', closeAtOnce);
    await server.close();
  }
}

async function verify(base: string, file: string, signal: AbortSignal): Promise<VerifyReport> {
  const response = await fetch(`${base}/v1/verify`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array(await readFile(file)),
    signal,
  });
  const text = await response.text();
  if (!response.ok)
    throw new LivedubError('LIVEDUB_E_ENGINE_FAILED', `POST /v1/verify: ${response.status} ${text}`);
  return JSON.parse(text) as VerifyReport;
}

function reportVerified(context: BenchContext, verified: readonly Verified[]): void {
  context.print(
    'own pipeline: microphone, dub, SFU, Chromium, recorded there, POST /v1/verify',
    formatTable(
      [
        { title: 'file' },
        { title: 'verdict' },
        { title: 'language' },
        { title: 'minute', align: 'right' },
        { title: 'score', align: 'right' },
        { title: 'needed', align: 'right' },
        { title: 'heard', align: 'right' },
        { title: 'right' },
      ],
      verified.map(({ title, report, isRight, minutes }) => {
        const findings = report.sound[0]?.findings ?? [];
        const best = findings.reduce<(typeof findings)[number] | undefined>(
          (most, one) => (most === undefined || one.score > most.score ? one : most),
          undefined,
        );
        return [
          title,
          report.verdict,
          best?.language ?? '–',
          minutes.join(', ') || '–',
          best?.score.toFixed(1) ?? '–',
          best?.threshold.toFixed(1) ?? '–',
          findings.map(({ startS, endS }) => `${startS.toFixed(1)}–${endS.toFixed(1)} s`).join(', ') || '–',
          isRight ? 'yes' : 'no',
        ];
      }),
    ),
  );
  context.figures(
    'own pipeline',
    ['files'],
    [
      {
        name: `channel, language and minute named rightly, of ${verified.length}`,
        unit: '',
        digits: 0,
        figures: [
          {
            value: verified.filter(({ isRight }) => isRight).length,
            goal: { atLeast: verified.length },
          },
        ],
      },
    ],
  );
  context.record(
    'ownPipeline',
    verified.map(({ title, report }) => ({ title, report })),
  );
}
