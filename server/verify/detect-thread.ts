import { parentPort, workerData } from 'node:worker_threads';
import { LivedubError, toLivedubError } from '../../pipeline/errors.ts';
import { AudioMarkDetector } from '../../pipeline/mark/audio/detector.ts';
import { CandidateBook } from '../../pipeline/mark/code/candidate-book.ts';
import type { MarkDetection } from '../../pipeline/mark/finding.ts';
import { VideoMarkDetector } from '../../pipeline/mark/video/video-detector.ts';
import type { ClipFrame } from './clip-media.ts';
import type { DetectReply, DetectRequest, DetectSetup } from './detect-messages.ts';

/** Runs the detectors in a thread of its own. It asks for one unit after another, so that no more than one waits. */
const port = parentPort;
if (!port) throw new LivedubError('LIVEDUB_E_INTERNAL', 'This module must run in a worker thread.');
const { keys, candidates } = workerData as DetectSetup;

let give: (unit: Float32Array | ClipFrame | undefined) => void = () => {};
const say = (reply: DetectReply): void => port.postMessage(reply);

port.on('message', (request: DetectRequest) => {
  if (request.kind === 'unit') return give(request.unit);
  const examine = request.medium === 'sound' ? examineSound : examinePicture;
  void examine().then(
    (detection) => say({ kind: 'found', detection }),
    (thrown: unknown) => {
      const { code, message } = toLivedubError(thrown);
      say({ kind: 'failed', code, message });
    },
  );
});

async function* units<T extends Float32Array | ClipFrame>(): AsyncGenerator<T> {
  for (;;) {
    const unit = await new Promise<Float32Array | ClipFrame | undefined>((resolve) => {
      give = resolve;
      say({ kind: 'pull' });
    });
    if (unit === undefined) return;
    yield unit as T;
  }
}

async function examineSound(): Promise<MarkDetection> {
  const detector = await AudioMarkDetector.create({ keys, candidates });
  return detector.detectStream(units<Float32Array>());
}

async function examinePicture(): Promise<MarkDetection> {
  const books = keys.map(({ keyId }) => new CandidateBook({ keyId, candidates }));
  const detector = await VideoMarkDetector.create({ keys, books });
  for await (const { plane, timeUs } of units<ClipFrame>()) detector.push(plane, timeUs);
  return detector.finish();
}
