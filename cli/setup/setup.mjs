import { existsSync } from 'node:fs';
import { acquireLock } from './lock.mjs';
import { cacheLock, inRepository, stampFile } from './paths.mjs';
import { createProgress } from './progress.mjs';
import { runSteps, writeWhole } from './runner.mjs';
import { browserStep, ffmpegStep, translationStep } from './steps/debian.mjs';
import { modelsStep, recommendedStep } from './steps/models.mjs';
import { npmStep } from './steps/npm.mjs';
import { picoStep } from './steps/pico.mjs';
import { vulkanStep } from './steps/vulkan.mjs';
import { workerStep } from './steps/worker.mjs';

/** Steps in the order in which they run. */
export function stepsFor({ tests = false, only = undefined } = {}) {
  const steps = [
    npmStep,
    ffmpegStep,
    translationStep,
    ...(tests ? [browserStep] : []),
    workerStep,
    picoStep,
    vulkanStep,
    modelsStep,
    ...(tests ? [recommendedStep] : []),
  ];
  return only ? steps.filter((step) => only.includes(step.id)) : steps;
}

/** True once a whole set-up has gone through in this checkout, and its dependencies are those of the lock file. */
export function wasSetUp() {
  return existsSync(inRepository('node_modules', '.livedub-set-up')) && npmStep.check().ok;
}

/**
 * Brings the machine to where livedub can run. Prints only what there is to say; a second run says nothing. Resolves
 * with 0, or with the exit code after the failures and their remedies were printed.
 * @param {{ tests?: boolean, only?: string[], env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<number>}
 */
export async function setUp(options = {}) {
  const env = options.env ?? process.env;
  if (env.LIVEDUB_SKIP_SETUP) return 0;
  const progress = createProgress();
  const abort = new AbortController();
  const stop = () => abort.abort();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, stop);
  const startedMs = Date.now();
  try {
    const result = await runSteps(stepsFor(options), {
      progress,
      signal: abort.signal,
      failureStamp: (id) => stampFile(`failed-${id}.json`),
      retry: Boolean(env.LIVEDUB_SETUP_RETRY),
      lock: (signal) =>
        acquireLock(cacheLock(), {
          signal,
          onWait: (pid) => progress.print(`… waiting for another set-up (process ${pid})`),
        }),
    });
    report(result, progress);
    if (result.failures.length > 0) return 1;
    if (result.installed.length > 0)
      progress.print(`✓ set-up done in ${Math.round((Date.now() - startedMs) / 1000)} s`);
    if (!options.only) markSetUp();
    return 0;
  } catch (error) {
    if (abort.signal.aborted) {
      progress.print('set-up was stopped; the next run goes on from here');
      return 130;
    }
    if (error.code === 'EACCES' || error.code === 'EROFS' || error.code === 'ENOSPC') {
      progress.print(`✗ set-up cannot write: ${error.message}`);
      progress.print(
        '  remedy: name a folder you may write to with LIVEDUB_CACHE, and check that the disk has room',
      );
      return 1;
    }
    throw error;
  } finally {
    progress.close();
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(name, stop);
  }
}

function report({ missing, failures }, progress) {
  for (const { title, reason, remedy } of missing) {
    progress.print(`– ${title}: ${reason}; going on without`);
    if (remedy) progress.print(`  remedy: ${remedy}`);
  }
  for (const { title, reason, remedy } of failures) {
    progress.print(`✗ ${title}: ${reason}`);
    if (remedy) progress.print(`  remedy: ${remedy}`);
  }
  if (failures.length > 0) progress.print('livedub cannot run yet: do the above, then start again.');
}

function markSetUp() {
  const mark = inRepository('node_modules', '.livedub-set-up');
  if (!existsSync(mark)) writeWhole(mark, '');
}
