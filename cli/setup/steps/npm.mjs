import { existsSync, readFileSync } from 'node:fs';
import { installPackages } from '../apt.mjs';
import { findCommand, run } from '../exec.mjs';
import { acquireLock } from '../lock.mjs';
import { missingOf, TOOLCHAIN_PACKAGES } from '../packages.mjs';
import { checkoutLock, inRepository, logFile, sha256 } from '../paths.mjs';
import { SetupError, writeWhole } from '../runner.mjs';

/** Keep installation scripts from fetching or building what set-up handles itself, or what no one needs. */
const SCRIPT_ENV = {
  MEDIASOUP_WORKER_BIN: '/nonexistent',
  ONNXRUNTIME_NODE_INSTALL: 'skip',
  SKIP_FFMPEG: 'true',
  PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1',
};

const stamp = () => inRepository('node_modules', '.livedub-installed');

/** What the installed tree depends on: the lock file, and the Node that native modules were built for. */
function wanted() {
  return sha256(
    readFileSync(inRepository('package-lock.json')),
    process.versions.modules,
    process.platform,
    process.arch,
  );
}

/** The npm dependencies, exactly as package-lock.json has them. */
export const npmStep = {
  id: 'npm',
  title: 'npm dependencies',
  required: true,
  check() {
    const want = wanted();
    if (existsSync(stamp()) && readFileSync(stamp(), 'utf8') === want) return { ok: true };
    if (!installedByHand()) return { ok: false };
    writeWhole(stamp(), want);
    return { ok: true };
  },
  async install(context) {
    const release = await acquireLock(checkoutLock(), { signal: context.signal });
    try {
      let result = await npmCi(context);
      if (result.code !== 0 && missingOf(TOOLCHAIN_PACKAGES).length > 0) {
        context.note('a native module has to be compiled: installing the compiler');
        await installPackages(TOOLCHAIN_PACKAGES, context);
        result = await npmCi(context);
      }
      context.signal.throwIfAborted();
      if (result.code !== 0) {
        const reason =
          result.lines.findLast((line) => /npm (error|ERR!) (?!A complete log)/.test(line)) ??
          `npm ended with ${result.code}`;
        throw new SetupError(
          reason,
          `Check the network and try again; the whole output is in ${logFile('npm')}`,
        );
      }
      // npm ci empties node_modules first, so an interrupted one leaves no stamp behind.
      writeWhole(stamp(), wanted());
    } finally {
      release();
    }
  },
};

async function npmCi({ signal, note }) {
  const total =
    Object.keys(JSON.parse(readFileSync(inRepository('package-lock.json'), 'utf8')).packages).length - 1;
  let fetched = 0;
  const onLine = (line) => {
    if (line.includes('http fetch GET 200')) note(`${++fetched} downloads for ${total} packages`);
    else if (/^npm info run .* install/.test(line)) note(line.replace(/^npm info run /, 'building '));
  };
  const [command, before] = npmCommand();
  // --include=dev: the checks need them even where NODE_ENV is production. engine-strict: mediasoup declares Node 22,
  // and works with 20.
  const args = [
    ...before,
    'ci',
    '--no-audit',
    '--no-fund',
    '--include=dev',
    '--engine-strict=false',
    '--loglevel=http',
  ];
  return run(command, args, {
    cwd: inRepository(),
    env: SCRIPT_ENV,
    signal,
    onLine,
    logFile: logFile('npm'),
  });
}

/** The npm that started us, else the one in PATH. */
function npmCommand() {
  const running = process.env.npm_execpath;
  if (running && /npm-cli\.c?js$/.test(running) && existsSync(running)) return [process.execPath, [running]];
  if (!findCommand('npm'))
    throw new SetupError('npm is not in PATH', 'Install Node with npm: https://nodejs.org');
  return ['npm', []];
}

/** True when npm's own record of node_modules has every package of package-lock.json, e.g. after `npm install`. */
function installedByHand() {
  const record = inRepository('node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const have = JSON.parse(readFileSync(record, 'utf8')).packages;
  const want = JSON.parse(readFileSync(inRepository('package-lock.json'), 'utf8')).packages;
  return Object.entries(want).every(([path, entry]) => {
    // The project itself, links that a package's own workspace left in the lock file, and other platforms' packages.
    if (path === '' || entry.version === undefined) return true;
    if ((entry.optional || entry.devOptional) && !have[path]) return true;
    return have[path]?.version === entry.version && existsSync(inRepository(path, 'package.json'));
  });
}
