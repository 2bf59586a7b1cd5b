import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { MediaFixtures } from './media-fixtures.ts';
import { findTool, runTool, startTool } from './tool-process.ts';

const files = new MediaFixtures();
const signal = new AbortController().signal;
afterAll(() => files.remove());

/** FFmpeg that makes silence until it is stopped. */
const ENDLESS = ['-v', 'error', '-nostdin', '-re', '-f', 'lavfi', '-i', 'anullsrc', '-f', 'null', '-'];

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('startTool', () => {
  it('gives exit code and what was said', async () => {
    const run = await runTool({ tool: 'ffprobe', args: ['-v', 'error', files.path('none')], signal });
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/No such file/u);
  });

  it('ends a tool that takes too long, or on abort', async () => {
    const late = await runTool({ tool: 'ffmpeg', args: ENDLESS, signal, timeoutMs: 300 });
    expect(late).toMatchObject({ timedOut: true, code: undefined });
    const abort = new AbortController();
    const tool = startTool({ tool: 'ffmpeg', args: ENDLESS, signal: abort.signal });
    setTimeout(() => abort.abort(), 200);
    await tool.exit;
    expect(isRunning(tool.pid!)).toBe(false);
  });

  it.runIf(existsSync('/usr/bin/setpriv'))(
    'keeps Ctrl-C in a terminal from ending a tool before us',
    async () => {
      const tool = startTool({ tool: 'ffmpeg', args: ENDLESS, signal });
      // Third field after the name: the process group, to which terminals send.
      const stat = readFileSync(`/proc/${tool.pid}/stat`, 'utf8');
      expect(Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2])).toBe(tool.pid);
      tool.kill();
      await tool.exit;
    },
  );

  it('ends a tool that prints too much', async () => {
    const args = ['-v', 'error', '-f', 'lavfi', '-i', 'anullsrc', '-f', 's16le', 'pipe:1'];
    const run = await runTool({ tool: 'ffmpeg', args, signal, maxOutputBytes: 100_000 });
    expect(run.code).toBeUndefined();
    expect(run.stdout.length).toBeLessThanOrEqual(100_000);
  });

  it('keeps a tool within its memory', async (context) => {
    if (!existsSync('/usr/bin/prlimit')) context.skip();
    const run = await runTool({ tool: 'ffmpeg', args: ['-version'], signal, memoryBytes: 40e6 });
    expect(run.code).not.toBe(0);
  });

  it('takes the tool down with this process, even when that is killed', async (context) => {
    if (!existsSync('/usr/bin/setpriv')) context.skip();
    const module = fileURLToPath(new URL('./tool-process.ts', import.meta.url));
    const script = files.path('parent.mts');
    writeFileSync(
      script,
      `import { startTool } from ${JSON.stringify(module)};
       const tool = startTool({ tool: 'ffmpeg', args: ${JSON.stringify(ENDLESS)}, signal: new AbortController().signal });
       console.log(tool.pid);
       setInterval(() => {}, 1000);`,
    );
    const parent = spawn(process.execPath, ['--import', 'tsx', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = await new Promise<number>((resolve) =>
      parent.stdout.once('data', (text) => resolve(Number(text))),
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(isRunning(pid)).toBe(true);
    parent.kill('SIGKILL');
    const until = Date.now() + 5000;
    while (isRunning(pid) && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isRunning(pid)).toBe(false);
  });
});

describe('findTool', () => {
  it('says how to get what is missing', () => {
    expect(() => findTool('no-such-tool')).toThrow(
      expect.objectContaining({ code: 'LIVEDUB_E_DEPENDENCY_MISSING' }),
    );
  });
});
