import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClauseLogEntry } from '../pipeline/ports/clause-log.ts';
import { ClauseLogFile } from './clause-log-file.ts';

const engine = { id: 'test', version: '1', licence: 'MIT' };

function entry(id: number): ClauseLogEntry {
  return {
    kind: 'clause',
    clause: {
      kind: 'clause',
      id,
      segmentId: 0,
      language: 'en',
      text: `clause ${id}`,
      startUs: id,
      endUs: id + 1,
      confidence: 1,
      endsSegment: true,
      mediaTimeUs: id,
      recogniser: engine,
      pitchHz: 0,
    },
  };
}

describe('ClauseLogFile', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-log-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('keeps entries in the order of append, over a restart', async () => {
    const path = join(folder, 'channel', 'clauses.jsonl');
    const first = await ClauseLogFile.open(path);
    await Promise.all([0, 1, 2].map((id) => first.append(entry(id))));
    await first.close();
    await first.close();
    const second = await ClauseLogFile.open(path);
    await second.append(entry(3));
    expect((await second.read()).map((e) => e.kind === 'clause' && e.clause.id)).toEqual([0, 1, 2, 3]);
    await second.close();
  });

  it('drops a line that a crash tore', async () => {
    const path = join(folder, 'clauses.jsonl');
    const log = await ClauseLogFile.open(path);
    await log.append(entry(0));
    await appendFile(path, '{"kind":"clause","cl');
    expect(await log.read()).toHaveLength(1);
    await log.close();
  });

  it('goes on after a line that a crash tore', async () => {
    const path = join(folder, 'clauses.jsonl');
    const first = await ClauseLogFile.open(path);
    await first.append(entry(0));
    await first.close();
    await appendFile(path, '{"kind":"clause","cl');
    const second = await ClauseLogFile.open(path);
    await second.append(entry(1));
    expect((await second.read()).map((e) => e.kind === 'clause' && e.clause.id)).toEqual([0, 1]);
    await second.close();
  });

  it('refuses an append after close', async () => {
    const log = await ClauseLogFile.open(join(folder, 'clauses.jsonl'));
    await log.close();
    await expect(log.append(entry(0))).rejects.toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
  });
});
