import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { findCommand, run } from './exec.mjs';
import { installLine, missingOf } from './packages.mjs';
import { cacheDir, logFile } from './paths.mjs';
import { SetupError } from './runner.mjs';

const NETWORK = [
  '-o',
  'Acquire::http::Timeout=20',
  '-o',
  'Acquire::https::Timeout=20',
  '-o',
  'Acquire::Retries=1',
];

/** Words to put before a command that needs root: none as root, sudo where it asks no password; undefined otherwise. */
export async function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  if (findCommand('sudo') && (await run('sudo', ['-n', 'true'], { timeoutMs: 10_000 })).code === 0)
    return ['sudo', '-n'];
  return undefined;
}

/**
 * Installs what is missing of `packages`. Throws a SetupError with the exact line to run when this account may not, or
 * when a package is still missing afterwards.
 */
export async function installPackages(packages, { signal, note }) {
  const missing = missingOf(packages);
  if (missing.length === 0) return;
  const prefix = findCommand('apt-get') ? await rootPrefix() : undefined;
  if (prefix === undefined) throw missingError(missing);

  const root = (args, onLine = note) => {
    const words = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', ...args];
    return run(words[0], words.slice(1), { signal, onLine, logFile: logFile('debian') });
  };
  const install = (names) =>
    root([
      'apt-get',
      ...NETWORK,
      '-o',
      'DPkg::Lock::Timeout=300',
      'install',
      '-y',
      '--no-install-recommends',
      ...names,
    ]);

  // A machine that was switched off while dpkg worked refuses every installation until this has run.
  const updates = '/var/lib/dpkg/updates';
  if (existsSync(updates) && readdirSync(updates).length > 0) await root(['dpkg', '--configure', '-a']);

  note('apt-get update');
  // Its failure alone is no reason to stop: the lists of yesterday, or a package cache, often suffice.
  await root(['apt-get', ...NETWORK, 'update']);
  const names = missing.map((entry) => entry.name);
  const together = await install(names);
  signal.throwIfAborted();
  // One unknown name makes apt refuse them all, so give each its own chance.
  if (together.code !== 0 && names.length > 1) {
    for (const name of names) {
      signal.throwIfAborted();
      await install([name]);
    }
  }
  const left = missingOf(packages);
  if (left.length > 0) throw missingError(left);
}

function missingError(missing) {
  return new SetupError(
    `not installed: ${missing.map((entry) => entry.name).join(', ')}`,
    installLine(missing),
  );
}

/**
 * The mirror that this machine already uses for its own release, read from apt's sources.
 * @returns {{ uri: string, suite: string, signedBy: string, distribution: string } | undefined}
 */
export function ownMirror({ etc = '/etc' } = {}) {
  const release = readOr(join(etc, 'os-release'));
  const field = (name) => release.match(new RegExp(`^${name}="?([^"\\n]*)`, 'm'))?.[1];
  const suite = field('VERSION_CODENAME');
  const distribution = field('ID');
  if (!suite || !distribution) return undefined;
  const keyring = `/usr/share/keyrings/${distribution}-archive-keyring.gpg`;
  for (const entry of [...deb822(join(etc, 'apt/sources.list.d')), ...oneLine(etc)]) {
    // Exactly the base suite: -updates, -security and other vendors' lists carry other suites or other paths.
    if (!entry.suites.includes(suite) || !entry.components.includes('main')) continue;
    if (!new RegExp(`/${distribution}/?$`).test(entry.uri)) continue;
    return {
      uri: entry.uri,
      suite,
      distribution,
      signedBy: entry.signedBy?.startsWith('/') ? entry.signedBy : keyring,
    };
  }
  return undefined;
}

const readOr = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : '');

function* deb822(folder) {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.sources')) : [];
  for (const name of names) {
    for (const stanza of readFileSync(join(folder, name), 'utf8')
      .replace(/^#.*\n/gm, '')
      .split(/\n\s*\n/)) {
      const value = (key) => stanza.match(new RegExp(`^${key}:[ \\t]*(.*)$`, 'mi'))?.[1]?.trim() ?? '';
      if (/^no$/i.test(value('Enabled')) || !value('Types').split(/\s+/).includes('deb')) continue;
      const [suites, components] = [value('Suites').split(/\s+/), value('Components').split(/\s+/)];
      for (const uri of value('URIs').split(/\s+/))
        yield { uri, suites, components, signedBy: value('Signed-By') };
    }
  }
}

function* oneLine(etc) {
  const folder = join(etc, 'apt/sources.list.d');
  const more = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.list')) : [];
  for (const file of [join(etc, 'apt/sources.list'), ...more.map((name) => join(folder, name))]) {
    for (const line of readOr(file).split('\n')) {
      const match = line.match(/^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.*)$/);
      if (!match) continue;
      const signedBy = match[1]?.match(/signed-by=(\S+)/)?.[1];
      yield { uri: match[2], suites: [match[3]], components: match[4].trim().split(/\s+/), signedBy };
    }
  }
}

/**
 * Calls `use(apt, folder)` with a private apt whose only source is `component` of this machine's own mirror, in its own release
 * or in the suite beside it that `suite` names (`backports`). The
 * system's sources and lists stay as they are, signatures are checked as always, and no root is needed.
 * @param {{ type: 'deb' | 'deb-src', component: string, suite?: string, signal: AbortSignal, note: (text: string) => void, log: string }} options
 */
export async function withPrivateSource(options, use) {
  const mirror = ownMirror();
  if (!mirror || !findCommand('apt-get'))
    throw new SetupError("this machine's Debian mirror is not known", undefined);
  mkdirSync(cacheDir(), { recursive: true });
  // What a killed set-up left behind: nobody else is at it, since the caller holds the cache's lock.
  for (const name of readdirSync(cacheDir()).filter((entry) => entry.startsWith('apt-'))) {
    rmSync(join(cacheDir(), name), { recursive: true, force: true });
  }
  const folder = mkdtempSync(join(cacheDir(), 'apt-'));
  try {
    for (const name of ['lists/partial', 'cache/archives/partial', 'work'])
      mkdirSync(join(folder, name), { recursive: true });
    const suite = options.suite ? `${mirror.suite}-${options.suite}` : mirror.suite;
    const source = `${options.type} [signed-by=${mirror.signedBy}] ${mirror.uri} ${suite} ${options.component}\n`;
    writeFileSync(join(folder, 'sources.list'), source);
    const settings = [
      `Dir::Etc::sourcelist=${folder}/sources.list`,
      'Dir::Etc::sourceparts=/dev/null',
      `Dir::State::lists=${folder}/lists`,
      `Dir::Cache=${folder}/cache`,
      // apt's own download account may not enter a private folder.
      'APT::Sandbox::User=root',
    ].flatMap((setting) => ['-o', setting]);
    const apt = async (...args) => {
      const { signal, note, log } = options;
      const cwd = join(folder, 'work');
      const result = await run('apt-get', [...NETWORK, ...settings, ...args], {
        signal,
        onLine: note,
        logFile: log,
        cwd,
      });
      if (result.code !== 0)
        throw new SetupError(`apt-get ${args.join(' ')}: ${result.lines.at(-1) ?? result.code}`, undefined);
    };
    await apt('update');
    return await use(apt, join(folder, 'work'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
