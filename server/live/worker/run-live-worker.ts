import { setTimeout as sleep } from 'node:timers/promises';
import { type Engines, loadEngines } from '../../../models/registry.ts';
import { mediasoupWorkerBin } from '../../../pipeline/cache-paths.ts';
import { LivedubError, toLivedubError } from '../../../pipeline/errors.ts';
import { SfuWorkerPool } from '../../../sfu/worker-pool.ts';
import { problemOf } from '../../problem.ts';
import type { ControlPort } from '../../worker/control-port.ts';
import type { ChannelEngines, ChannelOrder, FromLiveWorker, ToLiveWorker } from '../worker-messages.ts';
import { ChannelHost } from './channel-host.ts';
import { readOrderMarks } from './order-marks.ts';
import { SharedFaceThread } from './shared-face-thread.ts';
import { warmEngines } from './warm-engines.ts';

export interface RunLiveWorkerOptions {
  port: ControlPort<FromLiveWorker, ToLiveWorker>;
  /** Stops the worker from inside (SIGTERM). */
  signal: AbortSignal;
}

interface Parts {
  readonly engines: Engines;
  readonly sfu: SfuWorkerPool;
}

/** One opening of a channel. */
interface Place {
  readonly session: number;
  readonly host: Promise<ChannelHost>;
  ending: Promise<void> | undefined;
}

/** How long an opening waits for the one before it to end, ms: an engine may hang. */
const MAX_ENDING_MS = 2000;

/**
 * A live worker: the pipelines of all live channels of a machine and the engines they share. Runs until the server says
 * stop or is gone.
 */
export async function runLiveWorker(options: RunLiveWorkerOptions): Promise<void> {
  const { port } = options;
  const stopping = new AbortController();
  /** The newest opening of each channel. */
  const places = new Map<string, Place>();
  let parts: Promise<Parts> | undefined;
  const moves = new Set<string>();
  const faceThread = new SharedFaceThread({
    signal: stopping.signal,
    onMoved: (on, { code, message }) => {
      const told = `${message} Faces are made on ${on === 'cpu' ? 'the processor' : on}.`;
      // Once for each reason: every channel that moves says so.
      if (!moves.has(code)) process.emitWarning(told, { code });
      moves.add(code);
    },
  });

  // Loaded once; a failure is tried again by the next channel.
  const load = (): Promise<Parts> => {
    parts ??= loadParts(stopping.signal);
    parts.catch(() => {
      parts = undefined;
    });
    return parts;
  };

  const prepare = async (engines: ChannelEngines): Promise<void> => {
    try {
      const plan = await (await load()).engines.plan(planOf(engines));
      await warmEngines(plan, engines.from, stopping.signal);
      port.send({ kind: 'prepared' });
    } catch (error) {
      if (stopping.signal.aborted) return;
      // Told to whoever opens a channel that needs them.
      process.emitWarning(`Engines were not prepared: ${toLivedubError(error).message}`);
    }
  };

  const end = (channelId: string, place: Place): Promise<void> => {
    place.ending ??= place.host
      .then((host) => host.close())
      .catch(() => undefined)
      .finally(() => {
        if (places.get(channelId) === place) places.delete(channelId);
      });
    return place.ending;
  };

  const open = async (order: ChannelOrder): Promise<void> => {
    const { channelId, session } = order;
    const former = places.get(channelId);
    const isEnding = (): boolean => place.ending !== undefined;
    const opening = (async () => {
      // Both write one clause log.
      if (former)
        await Promise.race([end(channelId, former), sleep(MAX_ENDING_MS, undefined, { ref: false })]);
      const { engines, sfu } = await load();
      const plan = await engines.plan(planOf(order));
      await warmEngines(plan, order.from, stopping.signal);
      if (isEnding()) throw new LivedubError('LIVEDUB_E_ABORTED', 'The channel is not wanted any more.');
      const markOf = await readOrderMarks(order.marks);
      const router = await sfu.createRouter({ signal: stopping.signal });
      const send = (message: FromLiveWorker) => port.send(message);
      return await ChannelHost.open({ order, plan, engines, markOf, router, faceThread, send });
    })();
    const place: Place = { session, host: opening, ending: undefined };
    places.set(channelId, place);
    try {
      await (await opening).done;
    } catch (error) {
      if (isEnding() || stopping.signal.aborted) return;
      // A channel that fails says so once; the server decides what then.
      port.send({ kind: 'failed', channelId, session, error: problemOf(error) });
      void end(channelId, place);
    }
  };

  const close = async (channelId: string, session: number): Promise<void> => {
    const place = places.get(channelId);
    if (place?.session === session) await end(channelId, place);
    port.send({ kind: 'closed', channelId, session });
  };

  const receive = (message: ToLiveWorker): void => {
    switch (message.kind) {
      case 'prepare':
        return void prepare(message.engines);
      case 'open':
        return void open(message.order);
      case 'close':
        return void close(message.channelId, message.session);
      case 'stop':
        stopping.abort(new LivedubError('LIVEDUB_E_ABORTED', 'The worker stops.'));
        return;
      default:
        // In order with the opening, without waiting for it here.
        places
          .get(message.channelId)
          ?.host.then(
            (host) => host.receive(message),
            () => undefined,
          )
          // What one channel stumbles over must not end them all.
          .catch((error: unknown) =>
            process.emitWarning(`${message.kind}: ${toLivedubError(error).message}`),
          );
    }
  };

  port.onMessage(receive);
  // A worker without its server would dub for nobody.
  port.onClose(() => stopping.abort(new LivedubError('LIVEDUB_E_CLOSED', 'The server is gone.')));
  const stopped = new Promise<void>((resolve) => {
    for (const signal of [stopping.signal, options.signal]) {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    }
  });
  port.send({ kind: 'ready' });
  await stopped;
  stopping.abort();
  await Promise.all([...places].map(([channelId, place]) => end(channelId, place)));
  await faceThread.close();
  await parts
    ?.then(async ({ engines, sfu }) => Promise.allSettled([engines.close(), sfu.close()]))
    .catch(() => undefined);
}

async function loadParts(signal: AbortSignal): Promise<Parts> {
  const workerBin = mediasoupWorkerBin();
  const [engines, sfu] = await Promise.all([
    loadEngines({ signal }),
    SfuWorkerPool.start({ count: 1, ...(workerBin === undefined ? {} : { workerBin }) }),
  ]);
  return { engines, sfu };
}

function planOf(engines: ChannelEngines) {
  return {
    from: engines.from,
    to: engines.renditions.map(({ language }) => language),
    voices: Object.fromEntries(
      engines.renditions.flatMap(({ language, voice }) => (voice === undefined ? [] : [[language, voice]])),
    ),
  };
}
