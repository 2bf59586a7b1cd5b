import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MarkRegistryFile } from '../../db/mark-registry-file.ts';
import { MarkKeys } from '../marks/mark-keys.ts';
import { Marker } from '../marks/marker.ts';
import { ProgrammeMarks } from './programme-marks.ts';
import { readOrderMarks } from './worker/order-marks.ts';

describe('ProgrammeMarks', () => {
  let dataDir: string;
  let title: string;
  let registry: MarkRegistryFile;

  async function made(): Promise<ProgrammeMarks> {
    const { current } = await MarkKeys.open({ dataDir, env: {} });
    return new ProgrammeMarks({
      marker: new Marker({ key: current, registry }),
      dataDir,
      record: () => ({ id: 'news', settings: { title, isPublic: true } }),
      programme: { id: 'p1', startedAt: '2026-01-01T00:00:00.000Z' },
    });
  }

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'livedub-marks-'));
    title = 'News';
    registry = await MarkRegistryFile.open({ folder: join(dataDir, 'marks') });
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  it('gives every dubbed track a mark of its own, once, however often it is asked', async () => {
    const marks = await made();
    const [first, second] = await Promise.all([marks.of(['es']), marks.of(['es'])]);
    expect(first).toEqual(second);
    expect(Object.keys(first.renditions).sort()).toEqual([
      'face:es:synced',
      'mix:es:interpret',
      'mix:es:synced',
      'voice:es:interpret',
      'voice:es:synced',
    ]);
    expect(new Set(Object.values(first.renditions)).size).toBe(5);
    title = 'Newer news';
    const more = await marks.of(['es', 'fr']);
    expect(more.renditions).toMatchObject(first.renditions);
    const issued = await registry.list(first.keyId);
    expect(issued).toHaveLength(10);
    const french = issued.find(({ rendition }) => rendition === more.renditions['mix:fr:synced']);
    expect(french).toMatchObject({
      channel: { id: 'news', title: 'Newer news', isPublic: true },
      ...{ source: 'live', programme: 'p1', language: 'fr', mode: 'synced', kind: 'mix' },
      startedAt: '2026-01-01T00:00:00.000Z',
    });
  });

  it('notes how long they may be met when the programme ends, and issues none afterwards', async () => {
    const marks = await made();
    const { keyId } = await marks.of(['es']);
    await marks.end(61_000_000);
    expect((await registry.list(keyId)).map(({ minutes }) => minutes)).toEqual([2, 2, 2, 2, 2]);
    await expect(marks.of(['fr'])).rejects.toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
  });

  it('tells when no mark can be noted, and tries again when asked again', async () => {
    const marks = await made();
    await rm(join(dataDir, 'marks'), { recursive: true });
    await writeFile(join(dataDir, 'marks'), 'in the way');
    await expect(marks.of(['es'])).rejects.toMatchObject({ code: expect.stringMatching(/^LIVEDUB_E_/) });
    await rm(join(dataDir, 'marks'));
    await mkdir(join(dataDir, 'marks'));
    expect(Object.keys((await marks.of(['es'])).renditions)).toHaveLength(5);
  });

  it('is understood by a worker that has the key, also after another was made', async () => {
    const order = await (await made()).of(['es']);
    const keys = await MarkKeys.open({ dataDir, env: {} });
    await keys.rotate();
    const markOf = await readOrderMarks(order);
    expect(markOf('mix:es:synced')).toEqual({
      key: keys.current,
      rendition: order.renditions['mix:es:synced'],
      strength: 'discreet',
    });
    expect(() => markOf('mix:fr:synced')).toThrow(/No mark was issued/);
  });

  it('is refused by a worker that has not', async () => {
    const order = await (await made()).of(['es']);
    await expect(readOrderMarks({ ...order, keyId: (order.keyId + 1) % 256 })).rejects.toMatchObject({
      code: 'LIVEDUB_E_MARK_KEY',
    });
  });
});
