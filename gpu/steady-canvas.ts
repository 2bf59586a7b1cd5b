import { LivedubError } from '../pipeline/errors.ts';
import type { FaceCanvas, MouthJob, PatchId, PictureSlot, Rect } from '../pipeline/face/canvas.ts';
import type { Picture } from '../pipeline/face/picture.ts';

export interface OpenedCanvas {
  readonly canvas: FaceCanvas;
  /** Aborts when it can draw no more, as what it draws on is gone or full. Absent: never. */
  readonly gone?: AbortSignal;
  /** Gives back what it draws on, after the canvas was closed. */
  giveBack?(): void;
}

export interface SteadyCanvasOptions {
  readonly first: OpenedCanvas;
  /**
   * Opens another in place of one that is gone. Not called once this is closed; what it throws ends the canvas.
   * @param why what `gone` said
   */
  readonly reopen: (why: unknown) => Promise<OpenedCanvas>;
}

/** Numbers of a canvas's pictures and patches come after those of the canvases before it. */
const NUMBERS_EACH = 2 ** 32;

/**
 * A canvas that outlives the device it draws on. From the moment the device is gone until another canvas is open, nothing can be
 * loaded or rendered (the reason is thrown), so pictures stay as filmed; everything held and kept is lost, which `epoch` tells.
 */
export class SteadyCanvas implements FaceCanvas {
  readonly #reopen: SteadyCanvasOptions['reopen'];
  #now: OpenedCanvas;
  /** Why there is none at the moment. */
  #gap: unknown;
  /** How many were gone before this one. */
  #generation = 0;
  #epochBefore = 0;
  #closed = false;

  constructor(options: SteadyCanvasOptions) {
    this.#reopen = options.reopen;
    this.#now = options.first;
    this.#watch();
  }

  get on(): string {
    return this.#now.canvas.on;
  }

  get epoch(): number {
    return this.#epochBefore + (this.#gap === undefined ? this.#now.canvas.epoch : 0);
  }

  load(picture: Picture): PictureSlot {
    return this.#outer(this.#canvas().load(picture));
  }

  release(slot: PictureSlot): void {
    if (this.#isOurs(slot)) this.#now.canvas.release(slot % NUMBERS_EACH);
  }

  keepPatch(slot: PictureSlot, rect: Rect): PatchId | undefined {
    const id = this.#canvas().keepPatch(this.#inner(slot), rect);
    return id === undefined ? undefined : this.#outer(id);
  }

  dropPatch(id: PatchId): void {
    if (this.#isOurs(id)) this.#now.canvas.dropPatch(id % NUMBERS_EACH);
  }

  async render(slot: PictureSlot, jobs: readonly MouthJob[]): Promise<Uint8Array> {
    const canvas = this.#canvas();
    const inner = jobs.map((job) => ({
      ...job,
      slot: this.#inner(job.slot),
      patch: { ...job.patch, id: this.#inner(job.patch.id) },
      ...(job.former ? { former: { ...job.former, id: this.#inner(job.former.id) } } : {}),
    }));
    return canvas.render(this.#inner(slot), inner);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#end(this.#now);
  }

  #canvas(): FaceCanvas {
    if (this.#closed) throw new LivedubError('LIVEDUB_E_CLOSED', 'The canvas is closed.');
    if (this.#gap !== undefined) throw this.#gap;
    return this.#now.canvas;
  }

  #outer(number: number): number {
    return this.#generation * NUMBERS_EACH + number;
  }

  #inner(number: number): number {
    if (this.#isOurs(number)) return number % NUMBERS_EACH;
    throw new LivedubError('LIVEDUB_E_BAD_REQUEST', 'What a lost canvas held or kept cannot be drawn.');
  }

  #isOurs(number: number): boolean {
    return this.#gap === undefined && Math.floor(number / NUMBERS_EACH) === this.#generation;
  }

  #watch(): void {
    const { gone } = this.#now;
    if (gone?.aborted) void this.#replace(gone.reason);
    else gone?.addEventListener('abort', () => void this.#replace(gone.reason), { once: true });
  }

  async #replace(reason: unknown): Promise<void> {
    if (this.#closed || this.#gap !== undefined) return;
    const lost = this.#now;
    this.#epochBefore += lost.canvas.epoch + 1;
    this.#generation += 1;
    this.#gap = reason;
    this.#end(lost);
    try {
      const next = await this.#reopen(reason);
      if (this.#closed) {
        this.#end(next);
        return;
      }
      this.#now = next;
      this.#gap = undefined;
      this.#watch();
    } catch (error) {
      this.#gap = error;
    }
  }

  #end({ canvas, giveBack }: OpenedCanvas): void {
    canvas.close();
    giveBack?.();
  }
}
