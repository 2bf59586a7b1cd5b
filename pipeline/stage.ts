import type { BoundedChannel } from './bounded-channel.ts';
import type { Clock } from './clock.ts';
import type { PipelineObserver } from './observer.ts';

export interface StageContext<Out> {
  /** Hands a frame on; resolves when the next stage has room. */
  emit(frame: Out): Promise<void>;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly observer: Required<PipelineObserver>;
}

/**
 * One step of the pipeline. `process` is called with one frame at a time and awaited; `flush` once after the last frame;
 * `close` always, last, and more than once without harm.
 */
export interface Stage<In, Out> {
  readonly name: string;
  process(frame: In, ctx: StageContext<Out>): Promise<void>;
  flush(ctx: StageContext<Out>): Promise<void>;
  close(): void | Promise<void>;
}

export interface RunStageOptions<In, Out> {
  stage: Stage<In, Out>;
  input: BoundedChannel<In>;
  /** Where frames go; several for a fan-out. All are closed when the stage ends. */
  outputs: readonly BoundedChannel<Out>[];
  signal: AbortSignal;
  clock: Clock;
  observer: Required<PipelineObserver>;
}

/**
 * Runs a stage until its input ends. On failure input and outputs fail with the same error, so that neighbours stop too.
 */
export async function runStage<In, Out>(options: RunStageOptions<In, Out>): Promise<void> {
  const { stage, input, outputs, signal, clock, observer } = options;
  let waitedMs = 0;
  const ctx: StageContext<Out> = {
    signal,
    clock,
    observer,
    emit: async (frame) => {
      const before = clock.nowMs();
      for (const output of outputs) {
        if (!output.tryPush(frame)) await output.push(frame, signal);
      }
      waitedMs += clock.nowMs() - before;
    },
  };
  const timed = async (work: () => Promise<void>) => {
    const before = clock.nowMs();
    waitedMs = 0;
    await work();
    observer.stageTiming({ stage: stage.name, busyMs: clock.nowMs() - before - waitedMs });
  };
  try {
    for (;;) {
      const frame = await input.shift(signal);
      if (frame === undefined) break;
      await timed(() => stage.process(frame, ctx));
    }
    await timed(() => stage.flush(ctx));
    for (const output of outputs) output.close();
  } catch (error) {
    input.fail(error);
    for (const output of outputs) output.fail(error);
    throw error;
  } finally {
    await stage.close();
  }
}
