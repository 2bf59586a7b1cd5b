import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChannelStore } from './channel-store.ts';
import { ChannelSettingsSchema } from './contract.ts';

describe('ChannelStore', () => {
  let folder: string;
  const record = (id: string) => ({
    ...{ id, createdAt: '2026-01-01T00:00:00.000Z', streamKey: 'k'.repeat(24), controls: {} },
    settings: ChannelSettingsSchema.parse({ title: id, from: 'en', languages: [] }),
  });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-store-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('keeps channels, and nothing of those that are deleted', async () => {
    const store = new ChannelStore({ folder });
    for (const id of ['one', 'two']) await store.save(record(id));
    await mkdir(store.recordingsOf('one'));
    await writeFile(join(store.recordingsOf('one'), 'recording.mp4'), 'a recording');
    await store.remove('one');
    expect(await readdir(folder)).toEqual(['two']);
    expect(await new ChannelStore({ folder }).load()).toEqual([record('two')]);
    await store.remove('one');
  });

  it('takes a channel whose deletion was cut short for deleted, and rids the disk of it', async () => {
    const store = new ChannelStore({ folder });
    for (const id of ['one', 'two']) await store.save(record(id));
    await rename(store.dirOf('one'), `${store.dirOf('one')}.deleted`);
    expect(await store.load()).toEqual([record('two')]);
    expect(await readdir(folder)).toEqual(['two']);
  });
});
