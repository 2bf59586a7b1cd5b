import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { installPackages, ownMirror, withPrivateSource } from '../apt.mjs';
import { run } from '../exec.mjs';
import { VULKAN_PACKAGES } from '../packages.mjs';
import { logFile, softwareVulkanDriver } from '../paths.mjs';
import { SetupError } from '../runner.mjs';

const SYSTEM_DRIVERS = '/usr/share/vulkan/icd.d';
const LIBRARY = 'libvulkan_lvp.so';

/** Software Vulkan (Mesa, MIT): GPU kernels are checked with it where there is no GPU. */
export const vulkanStep = {
  id: 'vulkan',
  title: 'Software Vulkan',
  required: false,
  check: () => ({
    ok: process.platform !== 'linux' || existsSync(softwareVulkanDriver()) || systemHasDriver(),
  }),
  async install({ signal, note }) {
    if (ownMirror()?.suite !== 'bookworm') return installPackages(VULKAN_PACKAGES, { signal, note });
    const log = logFile('vulkan');
    const source = { type: 'deb', component: 'main', suite: 'backports', signal, note, log };
    await withPrivateSource(source, async (apt, folder) => {
      await apt('download', 'mesa-vulkan-drivers');
      const archive = readdirSync(folder).find((name) => name.endsWith('.deb'));
      if (!archive) throw new SetupError('apt-get left no package behind', undefined);
      const unpacked = await run('dpkg-deb', ['-x', join(folder, archive), join(folder, 'x')], {
        signal,
        logFile: log,
      });
      if (unpacked.code !== 0) throw new SetupError(`dpkg-deb: ${unpacked.lines.at(-1)}`, undefined);
      const library = find(join(folder, 'x', 'usr', 'lib'), LIBRARY);
      const about = find(join(folder, 'x', SYSTEM_DRIVERS), 'lvp_icd.json');
      if (!library || !about) throw new SetupError('the package holds no software driver', undefined);
      if (await lacksLibraries(library, signal)) await installPackages(VULKAN_PACKAGES, { signal, note });
      place(library, about);
    });
  },
};

/** A driver of Vulkan 1.4 or newer came with the system: older ones are refused by what uses them. */
function systemHasDriver() {
  if (!existsSync(SYSTEM_DRIVERS)) return false;
  return readdirSync(SYSTEM_DRIVERS)
    .filter((name) => name.startsWith('lvp_icd'))
    .some((name) => {
      const version = readFileSync(join(SYSTEM_DRIVERS, name), 'utf8').match(
        /"api_version": *"1\.(\d+)/,
      )?.[1];
      return Number(version) >= 4;
    });
}

function find(folder, name) {
  const entries = existsSync(folder) ? readdirSync(folder, { recursive: true }) : [];
  const found = entries.find((entry) => basename(entry) === name);
  return found && join(folder, found);
}

/** Of the driver itself, or the loader through which it is found. */
async function lacksLibraries(library, signal) {
  const linked = await run('ldd', [library], { signal });
  if (linked.lines.some((line) => line.includes('not found'))) return true;
  const known = [];
  await run('/sbin/ldconfig', ['-p'], { signal, onLine: (line) => known.push(line) });
  return !known.some((line) => line.includes('libvulkan.so.1'));
}

/** Puts library and description beside their place, then renames the folder there: it is complete or absent. */
function place(library, about) {
  const to = dirname(softwareVulkanDriver());
  mkdirSync(dirname(to), { recursive: true });
  const draft = mkdtempSync(`${to}.part-`);
  try {
    copyFileSync(library, join(draft, LIBRARY));
    const { ICD, ...rest } = JSON.parse(readFileSync(about, 'utf8'));
    // The loader takes a path that begins with a dot from the description's own folder.
    const own = { ...rest, ICD: { ...ICD, library_path: `./${LIBRARY}` } };
    writeFileSync(join(draft, basename(softwareVulkanDriver())), JSON.stringify(own));
    rmSync(to, { recursive: true, force: true });
    renameSync(draft, to);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
