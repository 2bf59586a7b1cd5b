import { parentPort } from 'node:worker_threads';
import { LivedubError } from '../../pipeline/errors.ts';
import { problemOf } from '../problem.ts';
import { type FaceEngines, openFaceEngines } from './face-engines.ts';
import type { FromFaceThread, ToFaceThread } from './face-messages.ts';
import { FaceStream } from './face-stream.ts';

/** Makes the pictures of several channels in a thread of its own; see FaceThread. */
const port = parentPort;
if (!port) throw new LivedubError('LIVEDUB_E_INTERNAL', 'This module must run in a worker thread.');

const streams = new Map<number, FaceStream>();
const say = (message: FromFaceThread, transfer: readonly ArrayBuffer[] = []): void =>
  port.postMessage(message, [...transfer]);

const opening = openFaceEngines({
  signal: new AbortController().signal,
  onCanvas: (on, why) => say({ kind: 'canvas', on, problem: why && problemOf(why) }),
});
let engines: FaceEngines;

port.on('message', (message: ToFaceThread) => {
  if (message.kind === 'open') return open(message);
  if (message.kind === 'end') return void end();
  const { channel } = message;
  const stream = streams.get(channel);
  // A channel that failed is told no more.
  if (stream === undefined) return;
  switch (message.kind) {
    case 'consent':
      return stream.setConsent(message.consent);
    case 'add':
      return stream.add(message.rendition);
    case 'remove':
      return stream.remove(message.id);
    case 'speech':
      return stream.speech(message.id, message.update);
    case 'source-sound':
      return stream.sourceSound(message.pcm, message.mediaTimeUs);
    case 'picture': {
      const { picture } = message;
      stream.push(picture).then(
        () => say({ kind: 'taken', channel, mediaTimeUs: picture.mediaTimeUs }),
        (error) => fail(channel, error),
      );
      return;
    }
    case 'flush':
      stream.flush(message.untilUs).then(
        () => say({ kind: 'flushed', channel }),
        (error) => fail(channel, error),
      );
      return;
    case 'close':
      streams.delete(channel);
      void stream.close();
  }
});

function open({ channel, format, consent, explain, aheadUs }: Extract<ToFaceThread, { kind: 'open' }>): void {
  const stream = new FaceStream({
    ...engines,
    ...{ format, consent, explain, aheadUs },
    onPictures: (mediaTimeUs, pictures, timings) =>
      say(
        { kind: 'pictures', channel, mediaTimeUs, pictures, timings },
        pictures.flatMap(({ bytes, explained }) => [bytes, ...(explained ? [explained] : [])]).map(bufferOf),
      ),
  });
  streams.set(channel, stream);
}

function fail(channel: number, error: unknown): void {
  const stream = streams.get(channel);
  if (stream === undefined) return;
  streams.delete(channel);
  void stream.close();
  say({ kind: 'failed', channel, problem: problemOf(error) });
}

async function end(): Promise<void> {
  const open = [...streams.values()];
  streams.clear();
  await Promise.allSettled(open.map((stream) => stream.close()));
  await opening.then(
    ({ tracker, reanimator }) => Promise.allSettled([tracker.close(), reanimator.close()]),
    () => undefined,
  );
  process.exit();
}

function bufferOf({ buffer }: Uint8Array): ArrayBuffer {
  return buffer as ArrayBuffer;
}

try {
  engines = await opening;
  say({ kind: 'ready', engine: engines.reanimator.info.id, passedOver: engines.passedOver });
} catch (error) {
  say({ kind: 'unfit', problem: problemOf(error) });
  port.close();
}
