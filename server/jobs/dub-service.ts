import { randomBytes } from 'node:crypto';
import { LivedubError } from '../../pipeline/errors.ts';
import type { DubView, Progress } from '../contract.ts';
import { problemOf } from '../problem.ts';
import type { DubOrder, JobResult } from '../worker/messages.ts';
import { type DubRecord, viewOf } from './dub-record.ts';
import type { DubStore } from './dub-store.ts';
import { JobQueue } from './job-queue.ts';

export interface DubServiceOptions {
  store: DubStore;
  /** Has the worker do a job. */
  run: (
    order: Omit<DubOrder, 'dataDir'>,
    options: { signal: AbortSignal; onProgress: (progress: Progress) => void },
  ) => Promise<JobResult>;
  queue?: JobQueue;
}

export interface NewDub {
  title: string;
  /** Same key, same dub: see `findDone`. */
  key: string;
  /** Absolute path; absent for the sample clip. */
  inputPath?: string;
  to: readonly string[];
  from: string;
  mode: 'synced' | 'interpret';
  bed: 'duck' | 'none';
}

interface Dub {
  record: DubRecord;
  progress?: Progress;
  readonly controller: AbortController;
  takeOut?: () => boolean;
}

/** The dubs of this server: those on disk and those being made. */
export class DubService {
  readonly #store: DubStore;
  readonly #run: DubServiceOptions['run'];
  readonly queue: JobQueue;
  readonly #dubs = new Map<string, Dub>();
  readonly #listeners = new Set<(dub: DubView) => void>();

  constructor(options: DubServiceOptions) {
    this.#store = options.store;
    this.#run = options.run;
    this.queue = options.queue ?? new JobQueue();
  }

  /** Reads what earlier runs left. A job that was under way when the server ended is shown as stopped. */
  async open(): Promise<void> {
    for (const record of await this.#store.load()) {
      const stopped = record.state === 'queued' || record.state === 'running';
      const kept: DubRecord = stopped
        ? {
            ...record,
            state: 'cancelled',
            error: problemOf(
              new LivedubError('LIVEDUB_E_ABORTED', 'The server was stopped during this dub.'),
            ),
          }
        : record;
      this.#dubs.set(record.id, { record: kept, controller: new AbortController() });
      if (stopped) await this.#store.save(kept);
    }
  }

  /** Newest first. */
  list(): DubView[] {
    return [...this.#dubs.values()]
      .sort((a, b) => b.record.createdAt.localeCompare(a.record.createdAt))
      .map((dub) => viewOf(dub.record, dub.progress));
  }

  /** @throws LivedubError LIVEDUB_E_NOT_FOUND */
  get(id: string): DubView {
    const dub = this.#find(id);
    return viewOf(dub.record, dub.progress);
  }

  /** @throws LivedubError LIVEDUB_E_NOT_FOUND, also while there is no result yet */
  resultOf(id: string): JobResult {
    const { record } = this.#find(id);
    if (!record.result) {
      throw new LivedubError('LIVEDUB_E_NOT_FOUND', `This dub has no result (it is ${record.state}).`);
    }
    return record.result;
  }

  /** A finished dub of this key whose files are still there. */
  async findDone(key: string): Promise<DubView | undefined> {
    for (const { record } of this.#dubs.values()) {
      if (record.key !== key || record.state !== 'done' || !record.result) continue;
      try {
        await this.#store.fileOf(record.id, record.result.outFile);
        return viewOf(record);
      } catch {
        // Somebody deleted it: made anew.
      }
    }
    return undefined;
  }

  /** Forgets dubs of this key, with their files, unless they are under way. */
  async removeSettled(key: string): Promise<void> {
    for (const { record } of [...this.#dubs.values()]) {
      if (record.key !== key || record.state === 'queued' || record.state === 'running') continue;
      this.#dubs.delete(record.id);
      await this.#store.remove(record.id);
    }
  }

  /** @throws LivedubError LIVEDUB_E_QUEUE_FULL, LIVEDUB_E_CLOSED */
  create(request: NewDub): DubView {
    const record: DubRecord = {
      id: randomBytes(16).toString('hex'),
      key: request.key,
      title: request.title,
      synthetic: request.inputPath === undefined,
      state: 'queued',
      createdAt: new Date().toISOString(),
      ...(request.inputPath === undefined ? {} : { inputPath: request.inputPath }),
      to: [...request.to],
      from: request.from,
      mode: request.mode,
      bed: request.bed,
    };
    const dub: Dub = { record, controller: new AbortController() };
    this.#dubs.set(record.id, dub);
    try {
      dub.takeOut = this.queue.add(
        () => this.#work(dub),
        () => void this.#fail(dub, new LivedubError('LIVEDUB_E_ABORTED', 'Taken out of the queue.')),
      );
    } catch (error) {
      this.#dubs.delete(record.id);
      throw error;
    }
    if (dub.record.state === 'queued') {
      void this.#store.save(dub.record).catch(() => {});
      this.#changed(dub);
    }
    return viewOf(dub.record);
  }

  /** Stops a dub that waits or runs; one that has ended stays as it is. */
  cancel(id: string): DubView {
    const dub = this.#find(id);
    if (dub.record.state === 'queued') dub.takeOut?.();
    else if (dub.record.state === 'running') dub.controller.abort();
    return viewOf(dub.record, dub.progress);
  }

  /** @returns ends the listening */
  onChange(listener: (dub: DubView) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Cancels everything; resolves when nothing runs any more. Idempotent. */
  async close(): Promise<void> {
    for (const dub of this.#dubs.values()) {
      if (dub.record.state === 'running') dub.controller.abort();
    }
    await this.queue.close();
  }

  #find(id: string): Dub {
    const dub = this.#dubs.get(id);
    if (!dub) throw new LivedubError('LIVEDUB_E_NOT_FOUND', 'There is no such dub.');
    return dub;
  }

  async #work(dub: Dub): Promise<void> {
    try {
      await this.#update(dub, { state: 'running' });
      const { id, inputPath, to, from, mode, bed } = dub.record;
      const result = await this.#run(
        {
          jobId: id,
          input: inputPath === undefined ? { kind: 'sample' } : { kind: 'file', path: inputPath },
          jobDir: this.#store.dirOf(id),
          to,
          from,
          mode,
          bed,
        },
        {
          signal: dub.controller.signal,
          onProgress: (progress) => {
            dub.progress = progress;
            this.#changed(dub);
          },
        },
      );
      await this.#update(dub, { state: 'done', result });
    } catch (thrown) {
      await this.#fail(dub, thrown);
    }
  }

  async #fail(dub: Dub, thrown: unknown): Promise<void> {
    const error = problemOf(thrown);
    const state = error.code === 'LIVEDUB_E_ABORTED' ? 'cancelled' : 'failed';
    await this.#update(dub, { state, error }).catch(() => {});
  }

  async #update(dub: Dub, change: Partial<DubRecord>): Promise<void> {
    dub.record = { ...dub.record, ...change };
    this.#changed(dub);
    await this.#store.save(dub.record);
  }

  #changed(dub: Dub): void {
    const view = viewOf(dub.record, dub.progress);
    for (const listener of this.#listeners) listener(view);
  }
}
