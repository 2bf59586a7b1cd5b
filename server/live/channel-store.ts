import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { ChannelIdSchema, ChannelSettingsSchema, RenditionControlSchema } from './contract.ts';

export const ChannelRecordSchema = z.object({
  id: ChannelIdSchema,
  /** RFC 3339. */
  createdAt: z.string(),
  settings: ChannelSettingsSchema,
  /** SRT pass phrase and RTMP stream key. */
  streamKey: z.string().min(16).max(64),
  /** Where SRT and RTMP listen, once they have: encoders keep the address. */
  ports: z.object({ srt: z.int(), rtmp: z.int() }).optional(),
  controls: z.record(z.string(), RenditionControlSchema).default({}),
});

export type ChannelRecord = z.infer<typeof ChannelRecordSchema>;

/** What a deleted channel's folder is called until it is gone. */
const DELETED_SUFFIX = '.deleted';

/** Keeps channels in folders named by their ids: the record, the clause logs of programmes, recordings. */
export class ChannelStore {
  readonly #folder: string;
  readonly #saving = new Map<string, Promise<void>>();

  /** @param options.folder made when it is not there */
  constructor(options: { folder: string }) {
    this.#folder = resolve(options.folder);
  }

  /** Absolute folder of a channel. */
  dirOf(id: string): string {
    return join(this.#folder, id);
  }

  recordingsOf(id: string): string {
    return join(this.dirOf(id), 'recordings');
  }

  /** Absolute path of a programme's clause log. */
  clauseLogOf(id: string, programmeId: string): string {
    return join(this.dirOf(id), 'programmes', `${programmeId}.clauses.jsonl`);
  }

  /** Every readable record, oldest first. */
  async load(): Promise<ChannelRecord[]> {
    await mkdir(this.#folder, { recursive: true });
    const records: ChannelRecord[] = [];
    for (const name of await readdir(this.#folder)) {
      if (name.endsWith(DELETED_SUFFIX))
        await rm(join(this.#folder, name), { recursive: true, force: true }).catch(() => undefined);
      const text = await readFile(join(this.#folder, name, 'channel.json'), 'utf8').catch(() => undefined);
      const parsed = ChannelRecordSchema.safeParse(text === undefined ? undefined : parseJson(text));
      if (parsed.success && parsed.data.id === name) records.push(parsed.data);
    }
    return records.sort((a, b) => a.createdAt.localeCompare(b.createdAt));
  }

  /** Writes the record so that a reader sees the old or the new one, never half of it. The last one given stays. */
  save(record: ChannelRecord): Promise<void> {
    const before = this.#saving.get(record.id) ?? Promise.resolve();
    const saved = before.catch(() => undefined).then(() => this.#write(record));
    this.#saving.set(record.id, saved);
    return saved;
  }

  async remove(id: string): Promise<void> {
    await this.#saving.get(id)?.catch(() => undefined);
    this.#saving.delete(id);
    const dir = this.dirOf(id);
    // A crash leaves all of it, or something that nobody takes for a channel.
    await rename(dir, dir + DELETED_SUFFIX).catch(() => undefined);
    await rm(dir + DELETED_SUFFIX, { recursive: true, force: true });
    await rm(dir, { recursive: true, force: true });
  }

  async #write(record: ChannelRecord): Promise<void> {
    const dir = this.dirOf(record.id);
    await mkdir(dir, { recursive: true });
    const temporary = join(dir, 'channel.json.new');
    // The stream key is in it.
    await writeFile(temporary, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
    await rename(temporary, join(dir, 'channel.json'));
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
