import type { CascadeEnd } from '../../sfu/cascade.ts';

/** The picture that a worker gets: one at a time, the one named last. */
export class PipedPicture {
  readonly #cascade: CascadeEnd;
  #wanted: string | undefined;
  #piped: string | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(cascade: CascadeEnd) {
    this.#cascade = cascade;
  }

  set(producerId: string | undefined): void {
    this.#wanted = producerId;
    this.#work = this.#work.then(() => this.#follow());
  }

  async #follow(): Promise<void> {
    const wanted = this.#wanted;
    if (wanted === this.#piped) return;
    if (this.#piped !== undefined) this.#cascade.unpipe(this.#piped);
    this.#piped = wanted;
    try {
      if (wanted !== undefined) await this.#cascade.pipe(wanted, { appData: { role: 'picture' } });
    } catch (error) {
      // A picture that ended meanwhile has a successor, which is told. Without one, faces stay as filmed; the dub goes on.
      this.#piped = undefined;
      if (!this.#cascade.closed.aborted) process.emitWarning(`The worker gets no picture: ${String(error)}`);
    }
  }
}
