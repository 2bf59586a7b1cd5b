import type { ClauseFrame, HypothesisFrame, WatermarkFrame } from '../frames.ts';
import type { ClauseLog } from '../ports/clause-log.ts';
import type { Stage, StageContext } from '../stage.ts';

type In = HypothesisFrame | ClauseFrame | WatermarkFrame;

/** Makes every committed clause durable before anything is built on it; hypotheses go to the observer and end here. */
export class CommitStage implements Stage<In, ClauseFrame | WatermarkFrame> {
  readonly name = 'commit';
  readonly #log: ClauseLog;

  constructor(options: { clauseLog: ClauseLog }) {
    this.#log = options.clauseLog;
  }

  async process(frame: In, ctx: StageContext<ClauseFrame | WatermarkFrame>): Promise<void> {
    if (frame.kind === 'hypothesis') {
      ctx.observer.hypothesis(frame);
      return;
    }
    if (frame.kind === 'clause') {
      const { pcm: _pcm, ...clause } = frame;
      await this.#log.append({ kind: 'clause', clause });
      ctx.observer.clause(frame);
    }
    await ctx.emit(frame);
  }

  async flush(): Promise<void> {}

  close(): void {}
}
