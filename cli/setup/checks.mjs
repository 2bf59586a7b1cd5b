import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inRepository } from './paths.mjs';
import { isInteractive } from './progress.mjs';

const FOLDERS = ['pipeline', 'models', 'gpu', 'sfu', 'db', 'server', 'cli', 'loadtest', 'client', 'test'];

/** Each check in the order in which it runs: quick ones first. */
export function checkList(vitestArgs, totalsFile) {
  const folders = FOLDERS.filter((name) => existsSync(inRepository(name)));
  const colour = isInteractive();
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${totalsFile}`];
  return [
    {
      name: 'biome',
      script: '@biomejs/biome/bin/biome',
      args: ['ci', `--colors=${colour ? 'force' : 'off'}`],
    },
    { name: 'tsc', script: 'typescript/bin/tsc', args: ['--noEmit'] },
    { name: 'tsc (client)', script: 'typescript/bin/tsc', args: ['--noEmit', '--project', 'client'] },
    {
      name: 'dependency-cruiser',
      script: 'dependency-cruiser/bin/dependency-cruise.mjs',
      args: ['--config', '.dependency-cruiser.cjs', ...folders],
    },
    { name: 'knip', script: 'knip/bin/knip.js', args: ['--no-progress'] },
    { name: 'vitest', script: 'vitest/vitest.mjs', args: ['run', ...reporters, ...vitestArgs] },
  ];
}

/**
 * Runs the checks, stops at the first that fails, and ends with one line `N passed, N failed`.
 * @param {string[]} vitestArgs
 * @returns {Promise<number>} exit code
 */
export async function runChecks(vitestArgs) {
  const folder = mkdtempSync(join(tmpdir(), 'livedub-test-'));
  const totalsFile = join(folder, 'totals.json');
  try {
    for (const check of checkList(vitestArgs, totalsFile)) {
      console.log(`\n▶ ${check.name}`);
      const startedMs = Date.now();
      const code = await runCheck(check);
      if (code !== 0) {
        console.error(`✗ ${check.name} failed (exit code ${code})`);
        if (check.name !== 'vitest') {
          console.log('0 passed, 1 failed');
          return code;
        }
      } else {
        console.log(`✓ ${check.name} (${((Date.now() - startedMs) / 1000).toFixed(1)} s)`);
      }
      if (check.name === 'vitest') {
        const { passed, failed } = totals(totalsFile, code);
        console.log(`${passed} passed, ${failed} failed`);
        return code;
      }
    }
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Counts from vitest's JSON report. What fails outside a test (a file that does not load) counts as one each. */
export function totals(file, code) {
  if (!existsSync(file)) return { passed: 0, failed: 1 };
  const report = JSON.parse(readFileSync(file, 'utf8'));
  const broken = report.testResults.filter(
    (suite) => suite.status === 'failed' && suite.assertionResults.length === 0,
  );
  const failed = report.numFailedTests + broken.length;
  return { passed: report.numPassedTests, failed: failed === 0 && code !== 0 ? 1 : failed };
}

function runCheck({ script, args }) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [inRepository('node_modules', script), ...args], {
      cwd: inRepository(),
      stdio: 'inherit',
      // A log must be readable as plain text.
      env: isInteractive() ? process.env : { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
    });
    // Ctrl-C reaches the child by itself (one process group); a signal to this process alone is passed on.
    const forward = (name) => child.kill(name);
    const stay = () => {};
    process.on('SIGTERM', forward);
    process.on('SIGINT', stay);
    child.on('error', (error) => {
      console.error(error.message);
      resolve(127);
    });
    child.on('exit', (code, name) => {
      process.off('SIGTERM', forward);
      process.off('SIGINT', stay);
      resolve(code ?? (name === 'SIGINT' ? 130 : 143));
    });
  });
}
