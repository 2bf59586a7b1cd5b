import { systemClock } from './clock.ts';
import { combineObservers, type PipelineObserver } from './observer.ts';
import type { Stage } from './stage.ts';

export interface HarnessOptions {
  signal?: AbortSignal;
  observer?: PipelineObserver;
}

/** Feeds frames to a stage as the runner would and collects what it emits: every stage is tested through this. */
export async function runThrough<In, Out>(
  stage: Stage<In, Out>,
  frames: Iterable<In> | AsyncIterable<In>,
  options: HarnessOptions = {},
): Promise<Out[]> {
  const out: Out[] = [];
  const ctx = {
    signal: options.signal ?? new AbortController().signal,
    clock: systemClock,
    observer: combineObservers(options.observer ? [options.observer] : []),
    emit: async (frame: Out) => {
      out.push(frame);
    },
  };
  try {
    for await (const frame of frames) {
      ctx.signal.throwIfAborted();
      await stage.process(frame, ctx);
    }
    await stage.flush(ctx);
  } finally {
    await stage.close();
    await stage.close();
  }
  return out;
}
