import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ownMirror, withPrivateSource } from '../apt.mjs';
import { run } from '../exec.mjs';
import { logFile, picoLingwareDir } from '../paths.mjs';
import { SetupError } from '../runner.mjs';

/** Text analysis and signal generation of one voice; the other voices lie beside it. */
const PROBE = 'en-GB_ta.bin';
const INSTALLED = '/usr/share/pico/lang';

/** The voice data of SVOX Pico (Apache-2.0), which Debian keeps in its non-free section. */
export const picoStep = {
  id: 'pico',
  title: 'Voices of SVOX Pico',
  required: false,
  check: () => ({ ok: existsSync(join(picoLingwareDir(), PROBE)) }),
  async install({ signal, note }) {
    if (existsSync(join(INSTALLED, PROBE))) return place(INSTALLED);
    const component = ownMirror()?.distribution === 'ubuntu' ? 'multiverse' : 'non-free';
    const log = logFile('pico');
    await withPrivateSource({ type: 'deb', component, signal, note, log }, async (apt, folder) => {
      await apt('download', 'libttspico-data');
      const archive = readdirSync(folder).find((name) => name.endsWith('.deb'));
      if (!archive) throw new SetupError('apt-get left no package behind', undefined);
      const unpacked = await run('dpkg-deb', ['-x', join(folder, archive), join(folder, 'x')], {
        signal,
        logFile: log,
      });
      if (unpacked.code !== 0) throw new SetupError(`dpkg-deb: ${unpacked.lines.at(-1)}`, undefined);
      place(join(folder, 'x', INSTALLED));
    });
  },
};

/** Copies the folder beside its place, then renames it there: it is complete or absent. */
function place(from) {
  const to = picoLingwareDir();
  mkdirSync(dirname(to), { recursive: true });
  const draft = mkdtempSync(`${to}.part-`);
  try {
    cpSync(from, draft, { recursive: true });
    rmSync(to, { recursive: true, force: true });
    renameSync(draft, to);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
