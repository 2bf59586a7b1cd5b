import { describe, expect, it } from 'vitest';
import type { DoctorRow } from '../setup/doctor/row.ts';
import { doctor } from './doctor.ts';

const row = (more: Partial<DoctorRow>): DoctorRow => ({
  area: 'Test',
  name: 'thing',
  status: 'missing',
  detail: 'gone',
  required: false,
  ...more,
});

async function ask(json: boolean, rows: readonly DoctorRow[]): Promise<{ code: number; text: string }> {
  let text = '';
  const write = (part: string): void => {
    text += part;
  };
  const code = await doctor({ json, more: [() => rows], write });
  return { code, text };
}

describe('livedub doctor', () => {
  it('looks at the real machine and names a remedy for everything that is missing', async () => {
    const { code, text } = await ask(true, []);
    const { ok, rows } = JSON.parse(text) as { ok: boolean; rows: DoctorRow[] };
    expect(code).toBe(ok ? 0 : 1);
    const names = rows.map((entry) => entry.name);
    for (const name of [
      'Node',
      'FFmpeg',
      'mediasoup worker',
      'uWebSockets.js',
      'apertium-eng-spa',
      'SVOX Pico voices',
    ]) {
      expect(names).toContain(name);
    }
    expect(rows.find((entry) => entry.name === 'Node')?.status).toBe('ok');
    for (const entry of rows) {
      if (entry.status === 'missing') expect(entry.remedy, entry.name).toBeTruthy();
    }
  });

  it('fails for a required thing that is missing', async () => {
    const { code, text } = await ask(false, [row({ required: true, remedy: 'get it' })]);
    expect(code).toBe(1);
    expect(text).toMatch(/✗ thing +missing +gone\n +remedy +get it/);
    expect(text).toMatch(/cannot dub yet: .*thing/);
  });

  it('does not fail for an optional one', async () => {
    const without = await ask(false, []);
    const { code, text } = await ask(false, [row({})]);
    expect(code).toBe(without.code);
    expect(text).toContain('gone (optional)');
  });
});
