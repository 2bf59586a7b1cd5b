// A worker for tests of the supervisor: speaks the control messages, does no dubbing. The input's path says what to do.
import { spawn } from 'node:child_process';

process.on('message', (message) => {
  if (message.kind === 'stop') process.exit(0);
  if (message.kind === 'cancel') {
    const error = { code: 'LIVEDUB_E_ABORTED', message: 'Stopped on request.', remedy: 'None.' };
    process.send({ kind: 'failed', jobId: message.jobId, error });
  }
  if (message.kind !== 'dub') return;
  const { jobId, input } = message.order;
  const progress = { phase: 'dub', mediaTimeUs: 1_000_000, durationUs: 2_000_000, speed: 8, lagMs: 120 };
  process.send({ kind: 'progress', jobId, progress });
  if (input.path === 'hang-with-child') {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' });
    process.send({ kind: 'progress', jobId, progress: { ...progress, lagMs: child.pid } });
  }
  if (input.path === 'fail') {
    const error = { code: 'LIVEDUB_E_INPUT_NO_AUDIO', message: 'No sound.', remedy: 'Another file.' };
    process.send({ kind: 'failed', jobId, error });
  }
  if (input.path === 'nonsense') {
    process.send({ kind: 'done', jobId, result: { outFile: 7 } });
    process.send({
      kind: 'failed',
      jobId,
      error: { code: 'LIVEDUB_E_ABORTED', message: 'later', remedy: '' },
    });
  }
  if (input.path === 'ok') {
    const result = {
      sourceLanguage: 'en',
      partial: false,
      outFile: 'out/a.mp4',
      reportFile: 'out/report.json',
      tracks: [],
      captions: [],
    };
    process.send({ kind: 'done', jobId, result });
  }
});
process.on('disconnect', () => process.exit(0));
process.send({ kind: 'ready' });
