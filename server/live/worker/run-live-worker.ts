import { type Engines, loadEngines } from '../../../models/registry.ts';
import { mediasoupWorkerBin } from '../../../pipeline/cache-paths.ts';
import { LivedubError, toLivedubError } from '../../../pipeline/errors.ts';
import { SfuWorkerPool } from '../../../sfu/worker-pool.ts';
import { problemOf } from '../../problem.ts';
import type { ControlPort } from '../../worker/control-port.ts';
import type { ChannelEngines, ChannelOrder, FromLiveWorker, ToLiveWorker } from '../worker-messages.ts';
import { ChannelHost } from './channel-host.ts';

export interface RunLiveWorkerOptions {
  port: ControlPort<FromLiveWorker, ToLiveWorker>;
  /** Stops the worker from inside (SIGTERM). */
  signal: AbortSignal;
}

interface Parts {
  readonly engines: Engines;
  readonly sfu: SfuWorkerPool;
}

/**
 * A live worker: the pipelines of all live channels of a machine and the engines they share. Runs until the server says
 * stop or is gone.
 */
export async function runLiveWorker(options: RunLiveWorkerOptions): Promise<void> {
  const { port } = options;
  const stopping = new AbortController();
  const channels = new Map<string, Promise<ChannelHost>>();
  let parts: Promise<Parts> | undefined;

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
      await (await load()).engines.plan(planOf(engines));
      port.send({ kind: 'prepared' });
    } catch (error) {
      // Told to whoever opens a channel that needs them.
      process.emitWarning(`Engines were not prepared: ${toLivedubError(error).message}`);
    }
  };

  const open = async (order: ChannelOrder): Promise<void> => {
    const { channelId } = order;
    const before = channels.get(channelId);
    const opening = (async () => {
      await before?.then((host) => host.close()).catch(() => undefined);
      const { engines, sfu } = await load();
      return await ChannelHost.open({
        order,
        plan: await engines.plan(planOf(order)),
        engines,
        router: await sfu.createRouter({ signal: stopping.signal }),
        send: (message) => port.send(message),
      });
    })();
    channels.set(channelId, opening);
    try {
      const host = await opening;
      // A channel that fails says so once; the server decides what then.
      const failed = (error: unknown) => {
        if (channels.get(channelId) !== opening || stopping.signal.aborted) return;
        channels.delete(channelId);
        port.send({ kind: 'failed', channelId, error: problemOf(error) });
        void host.close();
      };
      host.done.then(() => undefined, failed);
    } catch (error) {
      if (channels.get(channelId) === opening) channels.delete(channelId);
      port.send({ kind: 'failed', channelId, error: problemOf(error) });
    }
  };

  const close = async (channelId: string): Promise<void> => {
    const host = channels.get(channelId);
    channels.delete(channelId);
    await host?.then((one) => one.close()).catch(() => undefined);
    port.send({ kind: 'closed', channelId });
  };

  const receive = (message: ToLiveWorker): void => {
    switch (message.kind) {
      case 'prepare':
        return void prepare(message.engines);
      case 'open':
        return void open(message.order);
      case 'close':
        return void close(message.channelId);
      case 'stop':
        stopping.abort(new LivedubError('LIVEDUB_E_ABORTED', 'The worker stops.'));
        return;
      default:
        // In order with the opening, without waiting for it here.
        void channels.get(message.channelId)?.then(
          (host) => host.receive(message),
          () => undefined,
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
  await Promise.allSettled([...channels.values()].map(async (host) => (await host).close()));
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
