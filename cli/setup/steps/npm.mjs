import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
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
  PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1',
};

/** Node's own headers, where they lie beside it: node-gyp need not download them then. */
function headersEnv() {
  const prefix = join(dirname(realpathSync(process.execPath)), '..');
  const there = existsSync(join(prefix, 'include/node/node_api.h'));
  return there && !process.env.npm_config_nodedir ? { npm_config_nodedir: prefix } : {};
}

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
        const telling = /^npm (error|ERR!) (?!code|errno|syscall|path|command)\S/;
        const cause = result.lines.find((line) => telling.test(line));
        const reason = cause?.replace(/^npm \S+ /, '') ?? `npm ended with ${result.code}`;
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
  let answers = 0;
  const onLine = (line) => {
    const script = line.match(/^npm info run (\S+) (?:pre|post)?install /);
    if (script) note(`installation script of ${script[1]}`);
    else if (line.includes('http fetch GET 200')) note(`${++answers} answers from the registry`);
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
    '--loglevel=info',
  ];
  return run(command, args, {
    cwd: inRepository(),
    env: { ...SCRIPT_ENV, ...headersEnv() },
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
