import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { LivedubError, toLivedubError } from '../../pipeline/errors.ts';
import type { MarkKey } from '../../pipeline/mark/mark-key.ts';
import type { IssuedMark, MarkRegistry } from '../../pipeline/ports/mark-registry.ts';
import type { VerifyReport } from './contract.ts';
import { publicReport } from './report.ts';
import { type VerifyLimits, verifyMedia } from './verify-media.ts';

export interface VerifyServiceOptions {
  /** Holds a clip while it is examined, and nothing else. */
  folder: string;
  /** Read for every clip: keys may be rotated while the server runs. */
  keys: () => Promise<readonly MarkKey[]>;
  registry: Pick<MarkRegistry, 'find' | 'list'>;
  /** Whether a mark's channel may be named now; it may have been made private since. Default: as it was issued. */
  isPublic?: (mark: IssuedMark) => boolean;
  /** Default: 10 min of sound, 60 s of picture, 60 s of wall time. */
  limits?: VerifyLimits;
  /** Clips that come in, wait or are examined at one time, 1 of them examined; a further one is refused. Default 4. */
  maxClips?: number;
  /** Clips of one client among them. Default 2. */
  maxClipsPerClient?: number;
}

export interface ClipUpload {
  /** Whoever sends it. */
  readonly client: string;
  readonly body: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

const PUBLIC_LIMITS: VerifyLimits = { wallSeconds: 60, soundSeconds: 600, pictureSeconds: 60 };
/** Older than any clip that is still being examined, ms. */
const LEFT_BEHIND_MS = 15 * 60_000;

/** Examines clips that anyone sends, one at a time, keeps none of them, and names no private channel. */
export class VerifyService {
  readonly #o: VerifyServiceOptions;
  readonly #limits: VerifyLimits;
  readonly #stop = new AbortController();
  /** How many clips each client has here. */
  readonly #clips = new Map<string, number>();
  #count = 0;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(options: VerifyServiceOptions) {
    this.#o = options;
    this.#limits = { ...PUBLIC_LIMITS, ...options.limits };
  }

  /** Removes what a crash left. */
  static async open(options: VerifyServiceOptions): Promise<VerifyService> {
    await removeLeftBehind(options.folder);
    return new VerifyService(options);
  }

  /**
   * @throws LivedubError LIVEDUB_E_QUEUE_FULL, LIVEDUB_E_INPUT_EMPTY, LIVEDUB_E_INPUT_UNREADABLE, LIVEDUB_E_VERIFY_LIMIT,
   * LIVEDUB_E_OUTPUT_*, LIVEDUB_E_ABORTED, and what the body throws
   */
  async verify(upload: ClipUpload): Promise<VerifyReport> {
    const leave = this.#enter(upload.client);
    const file = join(this.#o.folder, `${randomUUID()}.clip`);
    const signal = AbortSignal.any([upload.signal, this.#stop.signal]);
    try {
      await keep(upload.body, file, signal);
      return await this.#inTurn(signal, () => this.#examine(file, signal));
    } catch (error) {
      throw withoutPath(error, file);
    } finally {
      await rm(file, { force: true });
      leave();
    }
  }

  /** Ends what goes on. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#last;
  }

  async #examine(file: string, signal: AbortSignal): Promise<VerifyReport> {
    const { registry, isPublic } = this.#o;
    const named = (mark: IssuedMark | undefined) =>
      mark && {
        ...mark,
        channel: { ...mark.channel, isPublic: mark.channel.isPublic && (isPublic?.(mark) ?? true) },
      };
    const report = await verifyMedia({
      input: file,
      keys: await this.#o.keys(),
      registry: {
        list: (keyId) => registry.list(keyId),
        find: async (keyId, rendition) => named(await registry.find(keyId, rendition)),
      },
      signal,
      limits: this.#limits,
    });
    return publicReport(report);
  }

  /** Full: the newest is refused. */
  #enter(client: string): () => void {
    const own = this.#clips.get(client) ?? 0;
    const { maxClips = 4, maxClipsPerClient = 2 } = this.#o;
    if (this.#stop.signal.aborted) throw new LivedubError('LIVEDUB_E_CLOSED', 'The server is being stopped.');
    if (this.#count >= maxClips || own >= maxClipsPerClient) {
      throw new LivedubError('LIVEDUB_E_QUEUE_FULL', 'Other clips are being examined.', {
        remedy: 'Try again in a minute.',
      });
    }
    this.#count += 1;
    this.#clips.set(client, own + 1);
    return () => {
      this.#count -= 1;
      const left = this.#clips.get(client)! - 1;
      if (left === 0) this.#clips.delete(client);
      else this.#clips.set(client, left);
    };
  }

  /** One at a time, in the order they came; whoever gives up while waiting leaves at once. */
  async #inTurn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.#last;
    let done = () => {};
    const finished = new Promise<void>((resolve) => {
      done = resolve;
    });
    this.#last = before.then(() => finished);
    try {
      await unlessAborted(before, signal);
      return await work();
    } finally {
      done();
    }
  }
}

async function unlessAborted(wait: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let stop = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    await Promise.race([wait, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Writes a body to a file. @throws LivedubError LIVEDUB_E_INPUT_EMPTY, LIVEDUB_E_OUTPUT_*, what the body throws */
async function keep(body: AsyncIterable<Uint8Array>, file: string, signal: AbortSignal): Promise<void> {
  try {
    await mkdir(join(file, '..'), { recursive: true });
    const target = createWriteStream(file, { flags: 'wx', mode: 0o600 });
    await pipeline(Readable.from(body, { objectMode: true }), target, { signal });
    if (target.bytesWritten === 0) throw new LivedubError('LIVEDUB_E_INPUT_EMPTY', 'The clip has no bytes.');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw new LivedubError('LIVEDUB_E_OUTPUT_DISK_FULL', 'The server has no room for the clip.', {
        cause: error,
      });
    }
    throw code?.startsWith('E')
      ? new LivedubError('LIVEDUB_E_OUTPUT_NOT_WRITABLE', 'The server cannot keep the clip.', {
          cause: error,
        })
      : error;
  }
}

/** Whoever sent a clip is not told where it lay. */
function withoutPath(thrown: unknown, file: string): LivedubError {
  const error = toLivedubError(thrown);
  if (!error.message.includes(file)) return error;
  return new LivedubError(error.code, error.message.replaceAll(file, 'The clip'), { cause: error });
}

async function removeLeftBehind(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const file = join(folder, name);
    const info = await stat(file).catch(() => undefined);
    if (info && Date.now() - info.mtimeMs > LEFT_BEHIND_MS) await rm(file, { force: true });
  }
}
