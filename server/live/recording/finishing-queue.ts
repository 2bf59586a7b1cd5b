import { availableParallelism } from 'node:os';
import { LivedubError } from '../../../pipeline/errors.ts';
import { JobQueue } from '../../jobs/job-queue.ts';

export interface FinishingQueueOptions {
  /** Files made side by side. Each may take all cores while nobody else wants them. Default: one for every eight cores, at least one. */
  readonly concurrency?: number;
  /** Files that may wait; one more is refused, and its recording stays as it is until it is tried again. Default 1000. */
  readonly limit?: number;
}

export interface Turn<T> {
  /** Leaves the queue when it waits; work that has begun has to see to it itself. */
  readonly signal: AbortSignal;
  readonly work: () => Promise<T>;
  /** How many files come first, whenever that changes; undefined when its turn has come. */
  readonly onAhead?: (ahead: number | undefined) => void;
}

interface Waiting {
  ahead: number | undefined;
  readonly onAhead: Turn<unknown>['onAhead'];
}

/**
 * In which the files of ended recordings are made, of all channels, in the order in which they were asked for: channels that end
 * together leave the machine to those that are live. What there is to make is on disk; here are only the turns.
 */
export class FinishingQueue {
  readonly #jobs: JobQueue;
  readonly #waiting = new Set<Waiting>();

  constructor(options: FinishingQueueOptions = {}) {
    const { concurrency = Math.max(1, Math.floor(availableParallelism() / 8)), limit = 1000 } = options;
    this.#jobs = new JobQueue({ concurrency, limit });
  }

  /** @throws LivedubError LIVEDUB_E_QUEUE_FULL, LIVEDUB_E_ABORTED (while it waited); what the work throws */
  inTurn<T>({ signal, work, onAhead }: Turn<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (signal.aborted) return reject(leftQueue(signal));
      const turn: Waiting = { ahead: undefined, onAhead };
      const leave = () => takeOut();
      const moveUp = () => {
        signal.removeEventListener('abort', leave);
        this.#waiting.delete(turn);
        this.#tell();
      };
      this.#waiting.add(turn);
      signal.addEventListener('abort', leave, { once: true });
      let takeOut = () => false;
      try {
        takeOut = this.#jobs.add(
          () => {
            moveUp();
            if (turn.ahead !== undefined) onAhead?.(undefined);
            return work().then(resolve, reject);
          },
          () => {
            moveUp();
            reject(leftQueue(signal));
          },
        );
        this.#tell();
      } catch (error) {
        moveUp();
        reject(error);
      }
    });
  }

  #tell(): void {
    let ahead = this.#jobs.running;
    for (const turn of this.#waiting) {
      if (turn.ahead !== ahead) turn.onAhead?.(ahead);
      turn.ahead = ahead;
      ahead += 1;
    }
  }
}

function leftQueue(signal: AbortSignal): LivedubError {
  return new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: signal.reason });
}
