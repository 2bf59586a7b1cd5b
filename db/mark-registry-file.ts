import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { LivedubError } from '../pipeline/errors.ts';
import { RENDITION_BITS } from '../pipeline/mark/payload.ts';
import type { IssuedMark, MarkRegistry, MarkRequest } from '../pipeline/ports/mark-registry.ts';
import { SharedLinesFile } from './shared-lines-file.ts';

export interface MarkRegistryFileOptions {
  /** Holds `issued.jsonl`; made when the first mark is issued. */
  folder: string;
}

const Rendition = z
  .int()
  .min(1)
  .lt(2 ** RENDITION_BITS);

/** Fields that later versions add are kept out of the way, not refused. */
const LineSchema = z.discriminatedUnion('event', [
  z.object({
    event: z.literal('issued'),
    rendition: Rendition,
    keyId: z.int().min(0).max(255),
    issuer: z.string(),
    channel: z.object({ id: z.string(), title: z.string(), isPublic: z.boolean() }),
    source: z.enum(['file', 'live']),
    programme: z.string(),
    language: z.string(),
    mode: z.enum(['interpret', 'synced']),
    kind: z.enum(['voice', 'mix', 'face']),
    startedAt: z.string(),
    issuedAt: z.string(),
  }),
  z.object({ event: z.literal('ended'), rendition: Rendition, minutes: z.number().min(0) }),
]);

type Line = z.infer<typeof LineSchema>;

/**
 * Issued marks in `issued.jsonl`, one JSON object a line: a mark that was issued, or the end of a rendition. Several processes
 * may share the folder; each reads what the others appended before it answers.
 */
export class MarkRegistryFile implements MarkRegistry {
  readonly #file: SharedLinesFile;
  readonly #marks = new Map<number, IssuedMark>();
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(file: SharedLinesFile) {
    this.#file = file;
  }

  /** @throws LivedubError LIVEDUB_E_INPUT_UNREADABLE when the file is there and cannot be read */
  static async open(options: MarkRegistryFileOptions): Promise<MarkRegistryFile> {
    const registry = new MarkRegistryFile(new SharedLinesFile(join(options.folder, 'issued.jsonl')));
    await registry.#inTurn(() => registry.#catchUp());
    return registry;
  }

  issue(request: MarkRequest): Promise<IssuedMark> {
    return this.#inTurn(async () => {
      for (;;) {
        await this.#catchUp();
        const rendition = drawRendition();
        if (this.#marks.has(rendition)) continue;
        const mark: IssuedMark = { ...request, rendition, issuedAt: new Date().toISOString() };
        await this.#append({ event: 'issued', ...mark, channel: { ...mark.channel } });
        await this.#catchUp();
        // The first line with a number owns it: another process may just have drawn the same one.
        if (isSame(this.#marks.get(rendition), mark)) return mark;
      }
    });
  }

  end(rendition: number, minutes: number): Promise<void> {
    return this.#inTurn(async () => {
      await this.#catchUp();
      const known = this.#marks.get(rendition);
      if (known === undefined || (known.minutes ?? -1) >= minutes) return;
      await this.#append({ event: 'ended', rendition, minutes });
    });
  }

  find(keyId: number, rendition: number): Promise<IssuedMark | undefined> {
    return this.#inTurn(async () => {
      await this.#catchUp();
      const mark = this.#marks.get(rendition);
      return mark?.keyId === keyId ? mark : undefined;
    });
  }

  list(keyId: number): Promise<readonly IssuedMark[]> {
    return this.#inTurn(async () => {
      await this.#catchUp();
      return [...this.#marks.values()].filter((mark) => mark.keyId === keyId).reverse();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#last.catch(() => undefined);
  }

  /** One at a time: the place up to which the file was read is shared. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) {
      return Promise.reject(new LivedubError('LIVEDUB_E_CLOSED', 'The registry of marks is closed.'));
    }
    const done = this.#last.then(work, work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  #append(line: Line): Promise<void> {
    return this.#file.append(JSON.stringify(line));
  }

  async #catchUp(): Promise<void> {
    try {
      await this.#file.readNew(
        (text) => this.#take(text),
        () => this.#marks.clear(),
      );
    } catch (cause) {
      throw new LivedubError('LIVEDUB_E_INPUT_UNREADABLE', `${this.#file.path} cannot be read.`, {
        cause,
        remedy: 'Make the data folder (LIVEDUB_DATA) readable for this user.',
      });
    }
  }

  #take(text: string): void {
    const line = parseLine(text);
    if (line === undefined) return;
    const known = this.#marks.get(line.rendition);
    if (line.event === 'issued') {
      const { event: _, ...mark } = line;
      if (known === undefined) this.#marks.set(mark.rendition, mark);
    } else if (known !== undefined) {
      const minutes = Math.max(line.minutes, known.minutes ?? 0);
      this.#marks.set(line.rendition, { ...known, minutes });
    }
  }
}

/** Undefined for a torn line, and for one that a later version wrote. */
function parseLine(text: string): Line | undefined {
  try {
    return LineSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** 36 random bits, never 0. */
function drawRendition(): number {
  for (;;) {
    const rendition = randomBytes(5).readUIntBE(0, 5) % 2 ** RENDITION_BITS;
    if (rendition !== 0) return rendition;
  }
}

function isSame(one: IssuedMark | undefined, other: IssuedMark): boolean {
  return (
    one !== undefined &&
    one.issuedAt === other.issuedAt &&
    one.programme === other.programme &&
    one.language === other.language &&
    one.mode === other.mode &&
    one.kind === other.kind
  );
}
