import type { Command } from 'commander';
import { LivedubError } from '../../pipeline/errors.ts';
import { runLiveWorker } from '../../server/live/worker/run-live-worker.ts';
import {
  type FromLiveWorker,
  type ToLiveWorker,
  ToLiveWorkerSchema,
} from '../../server/live/worker-messages.ts';
import { openProcessPort } from '../../server/worker/control-port.ts';
import { shutdownSignal } from '../shutdown.ts';

/** `livedub live-worker`: hosts the pipelines of live channels for `livedub serve`, which starts it; not for people. */
export function registerLiveWorker(program: Command): void {
  program
    .command('live-worker', { hidden: true })
    .description('host the pipelines of live channels for `livedub serve` (it starts this by itself)')
    .action(async () => {
      if (!process.connected) {
        throw new LivedubError('LIVEDUB_E_USAGE', 'The live worker is started by `livedub serve`.');
      }
      const port = openProcessPort<FromLiveWorker, ToLiveWorker>({
        endpoint: process,
        schema: ToLiveWorkerSchema,
      });
      await runLiveWorker({ port, signal: shutdownSignal() });
      // The line would keep this process alive.
      if (process.connected) process.disconnect();
    });
}
