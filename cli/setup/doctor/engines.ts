import { existsSync, readdirSync } from 'node:fs';
import { picoLingwareDir } from '../../../pipeline/cache-paths.ts';
import { installLine, isThere, TRANSLATION_PACKAGES } from '../packages.mjs';
import type { DoctorRow } from './row.ts';

const AREA = 'Engines from the system';

/** Apertium and each of its pairs. */
export function apertiumRows(): readonly DoctorRow[] {
  return TRANSLATION_PACKAGES.map((entry) => {
    const there = isThere(entry);
    const base = { area: AREA, name: entry.name, required: false };
    if (there) return { ...base, status: 'ok', detail: entry.purpose };
    return {
      ...base,
      status: 'missing',
      detail: `${entry.purpose}: not installed`,
      remedy: installLine([entry]),
    };
  });
}

export function picoRow(): DoctorRow {
  const folder = picoLingwareDir();
  const base = { area: AREA, name: 'SVOX Pico voices', required: false };
  // One signal generation file a voice: en-GB_kh0_sg.bin.
  const voices = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('_sg.bin')) : [];
  if (voices.length > 0) {
    return { ...base, status: 'ok', detail: voices.map((name) => name.split('_')[0]).join(', ') };
  }
  return { ...base, status: 'missing', detail: 'not installed', remedy: 'LIVEDUB_SETUP_RETRY=1 npm start' };
}

export function engineRows(): readonly DoctorRow[] {
  return [...apertiumRows(), picoRow()];
}
