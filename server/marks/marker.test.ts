import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MarkRegistryFile } from '../../db/mark-registry-file.ts';
import { Marker, type MarkOrder, renditionName } from './marker.ts';

const order: MarkOrder = {
  channel: { id: 'a.mp4', title: 'a.mp4', isPublic: false },
  ...{ source: 'file', programme: 'p1', language: 'es', mode: 'synced', kind: 'mix' },
  startedAt: '2026-01-01T00:00:00.000Z',
};

describe('Marker', () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'livedub-marker-'));
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  it('gives marks that the registry can name, with the key of the data folder, and writes no secret there', async () => {
    const marker = await Marker.open({ dataDir, env: {} });
    const { key, rendition, strength } = await marker.issue(order);
    expect(key).toBe(marker.key);
    expect(strength).toBe('discreet');
    const registry = await MarkRegistryFile.open({ folder: join(dataDir, 'marks') });
    expect(await registry.find(key.keyId, rendition)).toMatchObject({ ...order, issuer: key.issuer });
    const noted = await readFile(join(dataDir, 'marks', 'issued.jsonl'), 'utf8');
    expect(noted).not.toContain(Buffer.from(key.secret).toString('base64'));
    await marker.close();
  });

  it('notes how many minutes were begun, none where nothing came', async () => {
    const marker = await Marker.open({ dataDir, env: {} });
    const minutesAfter = async (endUs: number) => {
      const { key, rendition } = await marker.issue(order);
      await marker.end([rendition], endUs);
      const registry = await MarkRegistryFile.open({ folder: join(dataDir, 'marks') });
      return (await registry.find(key.keyId, rendition))?.minutes;
    };
    expect(await minutesAfter(59_000_000)).toBe(1);
    expect(await minutesAfter(60_020_000)).toBe(2);
    expect(await minutesAfter(Number.NEGATIVE_INFINITY)).toBe(0);
  });

  it('marks as strongly as the environment says, and refuses what it does not know', async () => {
    const marker = await Marker.open({ dataDir, env: { LIVEDUB_MARK_STRENGTH: 'firm' } });
    expect((await marker.issue(order)).strength).toBe('firm');
    await expect(Marker.open({ dataDir, env: { LIVEDUB_MARK_STRENGTH: 'loud' } })).rejects.toMatchObject({
      code: 'LIVEDUB_E_BAD_REQUEST',
    });
  });

  it('names a rendition by nine hexadecimal digits', () => {
    expect(renditionName(255)).toBe('0000000ff');
    expect(renditionName(2 ** 36 - 1)).toBe('fffffffff');
  });
});
