import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { installPackages, withPrivateSource } from '../apt.mjs';
import { run } from '../exec.mjs';
import { WORKER_BUILD_PACKAGES } from '../packages.mjs';
import { inRepository, logFile, mediasoupVersion, mediasoupWorkerBin, workerRecipeDir } from '../paths.mjs';
import { SetupError } from '../runner.mjs';

/** The worker's exit code when its parent's version is not named: it shows that the binary loads. */
const STARTS = 41;
const ANSWER_MS = 10_000;
const DOWNLOAD_MS = 120_000;

/** True when the binary starts on this machine. */
export function workerStarts(file) {
  return (
    file !== undefined && existsSync(file) && spawnSync(file, { env: {}, timeout: 5000 }).status === STARTS
  );
}

/** mediasoup's media worker: prebuilt where it can be fetched, else built from the sources in the npm package. */
export const workerStep = {
  id: 'worker',
  title: 'mediasoup worker',
  required: true,
  needs: ['npm'],
  check: () => ({ ok: workerStarts(mediasoupWorkerBin()) }),
  async install(context) {
    const output = mediasoupWorkerBin();
    mkdirSync(dirname(output), { recursive: true });
    if (!process.env.LIVEDUB_WORKER_FROM_SOURCE && (await fetchPrebuilt(output, context))) return;
    context.signal.throwIfAborted();
    await build(output, context);
  },
};

/** Where mediasoup publishes its prebuilt workers: the same address that its own installer asks. */
function prebuiltUrl() {
  const { repository, version } = JSON.parse(
    readFileSync(inRepository('node_modules/mediasoup/package.json'), 'utf8'),
  );
  const base =
    process.env.MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL ??
    `${repository.url.replace(/^git\+/, '').replace(/\.git$/, '')}/releases/download`;
  const kernel = process.platform === 'linux' ? `-kernel${release().split('.')[0]}` : '';
  return `${base}/${version}/mediasoup-worker-${version}-${process.platform}-${process.arch}${kernel}.tgz`;
}

/** False when there is none for this machine, or it cannot be had: the build then takes over. */
async function fetchPrebuilt(output, { signal, note }) {
  note('asking for a prebuilt one');
  const folder = mkdtempSync(`${dirname(output)}/fetch-`);
  const answer = new AbortController();
  const timer = setTimeout(() => answer.abort(), ANSWER_MS);
  try {
    const limits = AbortSignal.any([signal, answer.signal, AbortSignal.timeout(DOWNLOAD_MS)]);
    const response = await fetch(prebuiltUrl(), { signal: limits });
    clearTimeout(timer);
    if (!response.ok) return false;
    note('downloading');
    writeFileSync(join(folder, 'worker.tgz'), new Uint8Array(await response.arrayBuffer()));
    const unpacked = await run('tar', ['-xzf', 'worker.tgz'], { cwd: folder, signal });
    const file = join(folder, 'mediasoup-worker');
    if (unpacked.code !== 0 || !existsSync(file)) return false;
    chmodSync(file, 0o755);
    if (!workerStarts(file)) return false;
    renameSync(file, output);
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function build(output, context) {
  const { signal, note } = context;
  await installPackages(WORKER_BUILD_PACKAGES, context);
  signal.throwIfAborted();
  const log = logFile('worker');
  const work = join(dirname(output), 'build');
  const compile = async (srtp) => {
    note('building from source, which takes some minutes');
    const script = join(workerRecipeDir, 'build.sh');
    const args = [script, inRepository('node_modules/mediasoup'), output, work, ...srtp];
    const onLine = (line) =>
      note(`${line.match(/^\[\d+\/\d+\]/)?.[0] ?? line} building ${mediasoupVersion()}`);
    const result = await run('bash', args, { signal, onLine, logFile: log });
    if (result.code === 0) return;
    signal.throwIfAborted();
    const telling = result.lines.findLast((line) => /error/i.test(line)) ?? result.lines.at(-1);
    const reason = telling?.trim() ?? `exit code ${result.code}`;
    throw new SetupError(`the build failed: ${reason}`, `See ${log}, correct the cause, and start again.`);
  };

  // A build that was stopped has its sources in place, and goes on with what is not compiled yet.
  if (existsSync(join(work, 'ready'))) {
    try {
      return await compile([]);
    } catch {
      signal.throwIfAborted();
      rmSync(work, { recursive: true, force: true });
    }
  }
  await withSrtpSource({ signal, note, log }, compile);
}

/** Calls `use` with the folder of Debian's libsrtp2 source, or with none where this mirror has no sources. */
async function withSrtpSource({ signal, note, log }, use) {
  let found = false;
  try {
    await withPrivateSource(
      { type: 'deb-src', component: 'main', signal, note, log },
      async (apt, folder) => {
        await apt('source', 'libsrtp2');
        const source = readdirSync(folder, { withFileTypes: true }).find((entry) => entry.isDirectory());
        if (!source) throw new SetupError('no source of libsrtp2 was unpacked', undefined);
        found = true;
        await use([join(folder, source.name)]);
      },
    );
  } catch (error) {
    signal.throwIfAborted();
    if (found || !(error instanceof SetupError)) throw error;
    // Debian's packaged libsrtp2 does the same, at about twice the time a packet.
    await use([]);
  }
}
