import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { LivedubError } from '../../pipeline/errors.ts';

/** A secret from which an issuer's key is derived. */
export interface StoredSecret {
  readonly issuer: string;
  readonly secret: Uint8Array;
  /** RFC 3339. */
  readonly madeAt?: string | undefined;
}

const FileSchema = z.object({
  format: z.literal('livedub-mark-keys/1'),
  /** Newest first. */
  keys: z
    .array(
      z.object({
        issuer: z.string().min(1),
        secret: z
          .base64()
          .transform((text) => new Uint8Array(Buffer.from(text, 'base64')))
          .refine((bytes) => bytes.length >= 32),
        madeAt: z.string().optional(),
      }),
    )
    .min(1),
});

/** Somebody who took the lock and died; an update takes milliseconds. */
const STALE_LOCK_MS = 30_000;

/** The secrets in a JSON file for its owner alone. Several processes may make or change it at the same time. */
export class KeyFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** @throws LivedubError LIVEDUB_E_MARK_KEY for a file that is not one of ours, LIVEDUB_E_OUTPUT_NOT_WRITABLE */
  async readOrMake(first: () => StoredSecret): Promise<StoredSecret[]> {
    const text = await readFile(this.path, 'utf8').catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw notWritable(error);
      await this.#write([first()], 'if-absent').catch((failure: unknown) => {
        throw notWritable(failure);
      });
      return readFile(this.path, 'utf8');
    });
    return parse(text, this.path);
  }

  /** Replaces what is there as a whole. @throws LivedubError as readOrMake, LIVEDUB_E_CONFLICT while another update goes on */
  async update(
    change: (before: readonly StoredSecret[]) => Promise<readonly StoredSecret[]>,
  ): Promise<readonly StoredSecret[]> {
    const lock = `${this.path}.lock`;
    await takeLock(lock);
    try {
      const after = await change(parse(await readFile(this.path, 'utf8'), this.path));
      await this.#write(after, 'replace');
      return after;
    } catch (error) {
      throw error instanceof LivedubError ? error : notWritable(error);
    } finally {
      await rm(lock, { force: true });
    }
  }

  /** Written aside, on disk, then put in place at once: nobody ever reads half a file, and no key that marked is lost. */
  async #write(secrets: readonly StoredSecret[], how: 'if-absent' | 'replace'): Promise<void> {
    const folder = dirname(this.path);
    await mkdir(folder, { recursive: true });
    const keys = secrets.map(({ issuer, secret, madeAt }) => ({
      issuer,
      secret: Buffer.from(secret).toString('base64'),
      ...(madeAt === undefined ? {} : { madeAt }),
    }));
    const draft = join(folder, `.${basename(this.path)}-${randomUUID()}`);
    try {
      const file = await open(draft, 'wx', 0o600);
      try {
        await file.writeFile(`${JSON.stringify({ format: 'livedub-mark-keys/1', keys }, null, 2)}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      if (how === 'replace') return await rename(draft, this.path);
      await link(draft, this.path).catch((failure: NodeJS.ErrnoException) => {
        if (failure.code !== 'EEXIST') throw failure;
      });
    } finally {
      await rm(draft, { force: true });
    }
  }
}

/** What is wrong is told without the text: it holds secrets. */
function parse(text: string, path: string): StoredSecret[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
  }
  const parsed = FileSchema.safeParse(value);
  if (parsed.success) return parsed.data.keys;
  const field = parsed.error.issues[0]?.path.join('.');
  throw new LivedubError(
    'LIVEDUB_E_MARK_KEY',
    `${path} does not hold keys of marks${field ? `: ${field} is wrong` : ''}.`,
    { remedy: 'Restore it from a copy; a new one could not find what was marked before.' },
  );
}

async function takeLock(lock: string): Promise<void> {
  const take = async () => (await open(lock, 'wx', 0o600)).close();
  try {
    await take().catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
      const { mtimeMs } = await stat(lock);
      if (Date.now() - mtimeMs < STALE_LOCK_MS) throw error;
      await rm(lock, { force: true });
      await take();
    });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw notWritable(cause);
    throw new LivedubError('LIVEDUB_E_CONFLICT', 'The keys of marks are being changed by another process.', {
      cause,
      remedy: 'Try again in half a minute.',
    });
  }
}

function notWritable(cause: unknown): LivedubError {
  return new LivedubError(
    'LIVEDUB_E_OUTPUT_NOT_WRITABLE',
    'The keys of marks cannot be read or made in the data folder.',
    {
      cause,
      remedy: 'Make the data folder (LIVEDUB_DATA) writable for this user, or set LIVEDUB_MARK_KEY.',
    },
  );
}
