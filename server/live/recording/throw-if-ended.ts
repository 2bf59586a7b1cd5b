import { LivedubError } from '../../../pipeline/errors.ts';
import type { ToolExit } from '../../../pipeline/media/tool-process.ts';

/**
 * Tells a tool that something ended (no memory, a person, its time) from one that found its input unreadable: of the former's input
 * nothing is known.
 * @throws LivedubError LIVEDUB_E_WORKER_DIED
 */
export function throwIfEnded({ code }: ToolExit): void {
  if (code === undefined)
    throw new LivedubError('LIVEDUB_E_WORKER_DIED', 'FFmpeg was ended before it was done.', {
      remedy: 'Try again. If that happens again, the machine has too little memory.',
    });
}
