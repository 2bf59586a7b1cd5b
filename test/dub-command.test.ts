import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { englishClip, probeStreams, run, sharedFile } from './support/clips.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

function start(args: readonly string[]): {
  child: ChildProcess;
  ended: Promise<Outcome>;
  said: (text: RegExp) => Promise<void>;
} {
  const child = spawn(process.execPath, ['--import', 'tsx', join(ROOT, 'cli/main.ts'), ...args], {
    cwd: ROOT,
  });
  let output = '';
  const listeners: (() => void)[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<Outcome>((resolve) => child.on('close', (code) => resolve({ code, output })));
  const said = (text: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const check = () => text.test(output) && resolve();
      listeners.push(check);
      check();
      void ended.then(() => reject(new Error(`ended without saying ${text}:\n${output}`)));
    });
  return { child, ended, said };
}

/** Processes below one, by /proc. */
function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {}
  }
  const found: number[] = [];
  for (let added = [pid]; added.length > 0; found.push(...added)) {
    added = [...parents].filter(([, parent]) => added.includes(parent)).map(([child]) => child);
  }
  return found;
}

describe('livedub dub', () => {
  let folder: string;
  let clip: string;
  let long: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-command-'));
    clip = await englishClip(folder);
    long = join(folder, 'long.mkv');
    await run('ffmpeg', [
      '-v',
      'error',
      '-stream_loop',
      '30',
      '-i',
      clip,
      '-map',
      '0:a:0',
      '-c:a',
      'flac',
      long,
    ]);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const out = () => join(folder, `out-${Math.random().toString(36).slice(2)}`);

  async function refuses(code: string, args: readonly string[], exitCode = 1): Promise<void> {
    const { ended } = start(['dub', ...args]);
    const outcome = await ended;
    expect(outcome.output).toContain(`error ${code}: `);
    expect(outcome.output).toMatch(/\n {2}→ \S/);
    expect(outcome.output).not.toMatch(/\n\s+at /);
    expect(outcome.code).toBe(exitCode);
  }

  it('says what is wrong with an input that is not there, no file, empty, or no media', async () => {
    const empty = join(folder, 'empty.mp4');
    const noise = join(folder, 'random.mp4');
    await writeFile(empty, '');
    await writeFile(
      noise,
      Buffer.from(Array.from({ length: 50_000 }, (_, i) => (i * 7919 + (i >> 3) * 104_729) % 256)),
    );
    await refuses('LIVEDUB_E_INPUT_NOT_FOUND', [join(folder, 'nope.mp4'), '--to', 'es', '--out', out()]);
    await refuses('LIVEDUB_E_INPUT_IS_DIRECTORY', [folder, '--to', 'es', '--out', out()]);
    await refuses('LIVEDUB_E_INPUT_EMPTY', [empty, '--to', 'es', '--out', out()]);
    await refuses('LIVEDUB_E_INPUT_UNREADABLE', [noise, '--to', 'es', '--out', out()]);
  });

  it('says that there is no sound, or no speech in it', async () => {
    const mute = join(folder, 'mute.mp4');
    const hiss = join(folder, 'hiss.wav');
    await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=d=1', '-pix_fmt', 'yuv420p', mute]);
    await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'anoisesrc=d=4:a=0.2:seed=1', hiss]);
    await refuses('LIVEDUB_E_INPUT_NO_AUDIO', [mute, '--to', 'es', '--out', out()]);
    await refuses('LIVEDUB_E_INPUT_NO_SPEECH', [hiss, '--to', 'es', '--from', 'en', '--out', out()]);
  });

  it('names the supported pairs when a pair is not, and refuses what is no language or option', async () => {
    const { ended } = start(['dub', clip, '--from', 'en', '--to', 'ja', '--out', out()]);
    expect((await ended).output).toMatch(/LIVEDUB_E_PAIR_UNSUPPORTED[\s\S]*en → .*es/);
    await refuses('LIVEDUB_E_LANGUAGE_UNKNOWN', [clip, '--from', 'en', '--to', 'xx', '--out', out()]);
    await refuses('LIVEDUB_E_USAGE', [clip], 2);
  });

  it('refuses a folder it cannot write to before it does any work', async () => {
    await refuses('LIVEDUB_E_OUTPUT_NOT_WRITABLE', [clip, '--to', 'es', '--out', '/proc/livedub']);
    await refuses('LIVEDUB_E_OUTPUT_NOT_WRITABLE', [clip, '--to', 'es', '--out', join(clip, 'below-a-file')]);
  });

  it('leaves speech alone that is not in the language named', async () => {
    const spanish = sharedFile('speech/fleurs/fleurs-es-000.ogg');
    if (!spanish) return;
    const folderOut = out();
    await refuses('LIVEDUB_E_LANGUAGE_NOT_RECOGNISED', [
      spanish,
      '--from',
      'en',
      '--to',
      'fr',
      '--out',
      folderOut,
    ]);
    expect(await readdir(folderOut)).toEqual([]);
  });

  it.each([
    ['8 kHz mono', '8k.wav', ['-ar', '8000', '-ac', '1']],
    ['96 kHz 5.1', '96k-51.mkv', ['-ar', '96000', '-ac', '6', '-c:a', 'flac']],
    ['timestamps that start at 10 h', 'late.ts', ['-c:a', 'aac', '-output_ts_offset', '36000']],
  ])('dubs %s', { timeout: 120_000 }, async (_what, name, args) => {
    const file = join(folder, name);
    await run('ffmpeg', ['-v', 'error', '-i', clip, '-map', '0:a:0', ...args, file]);
    const folderOut = out();
    const { code, output } = await start(['dub', file, '--from', 'en', '--to', 'es', '--out', folderOut])
      .ended;
    expect(code, output).toBe(0);
    const report = JSON.parse(
      await readFile(join(folderOut, `${name.replace(/\.[^.]*$/, '')}.report.json`), 'utf8'),
    );
    expect(report.clauses.length).toBeGreaterThan(0);
    expect(report.clauses[0].startMs).toBeLessThan(3000);
  });

  it('keeps what was dubbed on Ctrl-C, labels it, and leaves no process', async () => {
    const folderOut = out();
    const { child, ended, said } = start(['dub', long, '--from', 'en', '--to', 'es', '--out', folderOut]);
    await said(/dubbing 00:(00:[2-9]|0[1-9]:)/);
    const children = descendants(child.pid!);
    child.kill('SIGINT');
    const { code, output } = await ended;
    expect(code).toBe(130);
    expect(output).toContain('Partial result');
    const report = JSON.parse(await readFile(join(folderOut, 'long.report.json'), 'utf8'));
    expect(report.partial).toBe(true);
    expect((await probeStreams(join(folderOut, 'long.dubbed.mp4'))).map((s) => s.tags?.language)).toEqual([
      'eng',
      'spa',
    ]);
    await expect
      .poll(() => children.filter((pid) => existsSync(`/proc/${pid}`)), { timeout: 5000 })
      .toEqual([]);
  });

  it('is not tripped up by what a killed run left, whose processes end by themselves', async () => {
    const folderOut = out();
    const first = start(['dub', long, '--from', 'en', '--to', 'es', '--out', folderOut]);
    await first.said(/dubbing 00:(00:[1-9]|0[1-9]:)/);
    const children = descendants(first.child.pid!);
    first.child.kill('SIGKILL');
    await first.ended;
    await expect
      .poll(() => children.filter((pid) => existsSync(`/proc/${pid}`)), { timeout: 10_000 })
      .toEqual([]);
    const short = join(folder, 'short');
    await mkdir(short);
    const same = join(short, 'long.mkv');
    await run('ffmpeg', ['-v', 'error', '-i', clip, '-map', '0:a:0', '-c:a', 'flac', same]);
    const { code, output } = await start(['dub', same, '--from', 'en', '--to', 'es', '--out', folderOut])
      .ended;
    expect(code, output).toBe(0);
    expect((await readdir(folderOut)).sort()).toEqual([
      'long.dubbed.mp4',
      'long.en.srt',
      'long.en.vtt',
      'long.es.srt',
      'long.es.vtt',
      'long.report.json',
    ]);
  });
});
