import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Command } from 'commander';
import { LivedubError } from '../../pipeline/errors.ts';
import type { Progress } from '../../server/contract.ts';
import { Marker } from '../../server/marks/marker.ts';
import { splitTracks } from '../../server/media/split-tracks.ts';
import { openProcessPort } from '../../server/worker/control-port.ts';
import {
  type DubOrder,
  type FromWorker,
  type JobResult,
  type ToWorker,
  ToWorkerSchema,
} from '../../server/worker/messages.ts';
import { runWorker } from '../../server/worker/run-worker.ts';
import { wantsDubNotice } from '../dub-notice-setting.ts';
import { makeSample } from '../sample/make-sample.ts';
import { shutdownSignal } from '../shutdown.ts';

/** `livedub worker`: hosts the pipelines for `livedub serve`, which starts it; not for people. */
export function registerWorker(program: Command): void {
  program
    .command('worker', { hidden: true })
    .description('host the pipelines of `livedub serve` (it starts this by itself)')
    .action(async () => {
      if (!process.connected) {
        throw new LivedubError('LIVEDUB_E_USAGE', 'The worker is started by `livedub serve`.');
      }
      const port = openProcessPort<FromWorker, ToWorker>({ endpoint: process, schema: ToWorkerSchema });
      await runWorker({ port, dub: doJob, signal: shutdownSignal() });
      // The line would keep this process alive.
      if (process.connected) process.disconnect();
    });
}

async function doJob(
  order: DubOrder,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<JobResult> {
  const { jobDir, to, from, mode, bed } = order;
  const outDir = join(jobDir, 'out');
  await mkdir(outDir, { recursive: true });
  const waiting = { mediaTimeUs: 0, speed: 0, lagMs: 0 };
  let input: string;
  if (order.input.kind === 'file') input = order.input.path;
  else {
    onProgress({ phase: 'sample', ...waiting });
    const { openSampleVoice } = await import('../sample/sample-voice.ts');
    const voice = await openSampleVoice(signal);
    try {
      input = await makeSample({ outFile: join(jobDir, 'livedub-sample.mp4'), speak: voice.speak, signal });
    } finally {
      await voice.close();
    }
  }
  onProgress({ phase: 'prepare', ...waiting });
  const { dubFile } = await import('../../server/dub/dub-file.ts');
  const marker = await Marker.open({ dataDir: order.dataDir });
  const notice = wantsDubNotice();
  const asked = { input, outDir, to, from, mode, bed, notice, signal, onProgress };
  const done = await dubFile({ ...asked, marker, job: order.jobId }).finally(() => marker.close());
  const dubs = done.tracks;
  const files = await splitTracks({
    file: done.outFile,
    jobDir,
    ids: ['original', ...dubs.map((track) => track.language)],
    signal,
  });
  const fileOf = (id: string) => files.get(id) ?? '';
  const inJob = (path: string) => relative(jobDir, path);
  return {
    sourceLanguage: done.sourceLanguage,
    partial: done.partial,
    outFile: inJob(done.outFile),
    reportFile: inJob(done.reportFile),
    tracks: [
      { id: 'original', language: done.sourceLanguage, title: 'Original', file: fileOf('original') },
      ...dubs.map(({ language, title, tier }) => ({
        id: language,
        language,
        title,
        tier,
        file: fileOf(language),
      })),
    ],
    captions: done.captions.map(({ language, vtt, srt }) => ({ language, vtt: inJob(vtt), srt: inJob(srt) })),
  };
}
