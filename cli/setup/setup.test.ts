import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownMirror } from './apt.mjs';
import { totals } from './checks.mjs';
import { findCommand, run } from './exec.mjs';
import { acquireLock } from './lock.mjs';
import { nodeProblem } from './node-version.mjs';
import { createProgress } from './progress.mjs';
import { planSteps, RETRY_AFTER_MS, type RunContext, runSteps, SetupError, type Step } from './runner.mjs';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'livedub-setup-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const quiet = { begin: () => {}, note: () => {}, end: () => {} };
const context = (more: Partial<RunContext> = {}): RunContext => ({
  progress: quiet,
  signal: new AbortController().signal,
  failureStamp: (id) => join(folder, `failed-${id}.json`),
  lock: () => acquireLock(join(folder, 'setup.lock'), { pollMs: 10 }),
  ...more,
});

/** A step that leaves a file behind, as real ones do. */
function fileStep(id: string, more: Partial<Step> = {}): Step & { runs: number } {
  const file = join(folder, `made-${id}`);
  const step = {
    id,
    title: id,
    required: true,
    runs: 0,
    check: () => ({ ok: existsSync(file) }),
    async install() {
      step.runs++;
      writeFileSync(file, '');
    },
    ...more,
  };
  return step;
}

describe('steps of set-up', () => {
  it('installs what is missing, in order, and nothing on the second run', async () => {
    const steps = [fileStep('a'), fileStep('b')];
    expect((await runSteps(steps, context())).installed).toEqual(['a', 'b']);
    const noLock = () => Promise.reject(new Error('a run with nothing to do takes no lock'));
    expect((await runSteps(steps, context({ lock: noLock }))).installed).toEqual([]);
    expect(steps.map((step) => step.runs)).toEqual([1, 1]);
  });

  it('goes on after an optional failure, and reports it with the remedy', async () => {
    const broken = fileStep('b', {
      required: false,
      install: () => Promise.reject(new SetupError('no network', 'plug it in')),
    });
    const result = await runSteps([fileStep('a'), broken, fileStep('c')], context());
    expect(result.installed).toEqual(['a', 'c']);
    expect(result.failures).toEqual([]);
    expect(result.missing).toMatchObject([{ id: 'b', reason: 'no network', remedy: 'plug it in' }]);
  });

  it('postpones an optional step that failed a short while ago, and tries again later or when asked', async () => {
    const broken = fileStep('b', { required: false, install: () => Promise.reject(new Error('no network')) });
    await runSteps([broken], context({ nowMs: () => 1000 }));
    const { failureStamp } = context();
    const at = (nowMs: number, retry = false) =>
      planSteps([broken], { failureStamp, nowMs: () => nowMs, retry });
    expect(await at(2000)).toMatchObject({ install: [], postponed: [{ id: 'b', reason: 'no network' }] });
    expect((await at(2000, true)).install).toHaveLength(1);
    expect((await at(1001 + RETRY_AFTER_MS)).install).toHaveLength(1);
  });

  it('collects every required failure and skips only what depends on it', async () => {
    const broken = fileStep('npm', { install: () => Promise.reject(new Error('no registry')) });
    const result = await runSteps(
      [broken, fileStep('worker', { needs: ['npm'] }), fileStep('other')],
      context(),
    );
    expect(result.failures.map((entry) => entry.id)).toEqual(['npm', 'worker']);
    expect(result.installed).toEqual(['other']);
  });

  it('calls a step failed that did not bring what it promised', async () => {
    const result = await runSteps([fileStep('a', { install: () => Promise.resolve() })], context());
    expect(result.failures).toMatchObject([{ id: 'a' }]);
  });

  it('goes on where it was stopped', async () => {
    const abort = new AbortController();
    const first = fileStep('a');
    const second = fileStep('b');
    const stopping = {
      ...second,
      install: () => {
        abort.abort();
        return Promise.reject(new Error('killed'));
      },
    };
    await expect(runSteps([first, stopping], context({ signal: abort.signal }))).rejects.toThrow();
    expect(existsSync(join(folder, 'setup.lock'))).toBe(false);
    expect((await runSteps([first, second], context())).installed).toEqual(['b']);
    expect(first.runs).toBe(1);
  });

  it('lets two runs at once install each step once', async () => {
    const slow = fileStep('a');
    const install = slow.install.bind(slow);
    slow.install = async (given) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      await install(given);
    };
    await Promise.all([runSteps([slow], context()), runSteps([slow], context())]);
    expect(slow.runs).toBe(1);
  });
});

describe('the lock', () => {
  const lock = () => join(folder, 'x', 'setup.lock');

  it('keeps a second taker waiting, says who has it, and can be abandoned', async () => {
    const release = await acquireLock(lock());
    const abort = new AbortController();
    const waitedFor: number[] = [];
    const second = acquireLock(lock(), {
      signal: abort.signal,
      pollMs: 5,
      onWait: (pid) => waitedFor.push(pid),
    });
    setTimeout(() => abort.abort(), 30);
    await expect(second).rejects.toThrow();
    expect(waitedFor).toEqual([process.pid]);
    release();
    (await acquireLock(lock()))();
    expect(readdirSync(join(folder, 'x'))).toEqual([]);
  });

  it('is taken over from a process that ended', async () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    mkdirSync(join(folder, 'x'));
    writeFileSync(lock(), JSON.stringify({ pid: dead, started: '1', key: 'k' }));
    const release = await acquireLock(lock());
    expect(JSON.parse(readFileSync(lock(), 'utf8')).pid).toBe(process.pid);
    release();
  });

  it('is taken over when its pid now belongs to another process, or when it is garbage', async () => {
    mkdirSync(join(folder, 'x'));
    for (const content of [JSON.stringify({ pid: process.pid, started: '1', key: 'k' }), '']) {
      writeFileSync(lock(), content);
      (await acquireLock(lock()))();
    }
    expect(existsSync(lock())).toBe(false);
  });
});

describe('running programs', () => {
  it('stops a program and its children', async () => {
    const abort = new AbortController();
    const started = Date.now();
    const done = run('bash', ['-c', 'sleep 30 & echo ready; wait'], {
      signal: abort.signal,
      onLine: () => abort.abort(),
    });
    expect((await done).code).not.toBe(0);
    expect(Date.now() - started).toBeLessThan(8000);
  });

  it('says that a program is not there instead of throwing', async () => {
    expect((await run('no-such-program-here', [])).code).toBe(127);
    expect(findCommand('no-such-program-here')).toBeUndefined();
  });
});

describe("this machine's mirror", () => {
  const etc = (files: Record<string, string>) => {
    mkdirSync(join(folder, 'apt', 'sources.list.d'), { recursive: true });
    writeFileSync(join(folder, 'os-release'), 'ID=debian\nVERSION_CODENAME=bookworm\n');
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'apt', name), text);
    return ownMirror({ etc: folder });
  };

  it('is read from deb822 sources, past security and other vendors', () => {
    const security =
      'Types: deb\nURIs: http://m.example/debian-security\nSuites: bookworm-security\nComponents: main\n';
    const vendor = 'Types: deb\nURIs: http://v.example/repo\nSuites: bookworm\nComponents: main\n';
    const base =
      'Types: deb\n# once\nURIs: http://m.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /k.gpg\n';
    const found = etc({ 'sources.list.d/debian.sources': [security, vendor, base].join('\n') });
    expect(found).toEqual({
      uri: 'http://m.example/debian',
      suite: 'bookworm',
      distribution: 'debian',
      signedBy: '/k.gpg',
    });
  });

  it('is read from one-line sources', () => {
    const found = etc({
      'sources.list': '# x\ndeb [arch=amd64] http://m.example/debian/ bookworm main contrib\n',
    });
    expect(found).toMatchObject({
      uri: 'http://m.example/debian/',
      signedBy: '/usr/share/keyrings/debian-archive-keyring.gpg',
    });
  });

  it('is unknown where there are no sources', () => {
    expect(etc({})).toBeUndefined();
  });
});

describe('what people read', () => {
  it('names the remedy on an old Node, and is silent on a good one', () => {
    expect(nodeProblem('v18.20.0')).toMatch(/20\.19.*nvm install/);
    expect(nodeProblem('v20.18.1')).toBeDefined();
    expect(nodeProblem('v20.19.0')).toBeUndefined();
    expect(nodeProblem('v24.0.0')).toBeUndefined();
  });

  it('prints plain lines without control characters where there is no terminal', () => {
    const written: string[] = [];
    const progress = createProgress({ stream: { write: (text) => written.push(text) }, interactive: false });
    progress.begin('thing');
    progress.note('half');
    progress.end('✓', 'thing');
    progress.close();
    expect(written).toEqual(['… thing\n', '✓ thing\n']);
  });

  it('counts a file that does not load, and a run that ends badly, as failures', () => {
    const file = join(folder, 'totals.json');
    const report = (failedTests: number, testResults: unknown[]) =>
      writeFileSync(file, JSON.stringify({ numPassedTests: 3, numFailedTests: failedTests, testResults }));
    report(1, [
      { status: 'failed', assertionResults: [] },
      { status: 'failed', assertionResults: [{}] },
    ]);
    expect(totals(file, 1)).toEqual({ passed: 3, failed: 2 });
    report(0, []);
    expect(totals(file, 0)).toEqual({ passed: 3, failed: 0 });
    expect(totals(file, 1)).toEqual({ passed: 3, failed: 1 });
    expect(totals(join(folder, 'none.json'), 1)).toEqual({ passed: 0, failed: 1 });
  });
});
