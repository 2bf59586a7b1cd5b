import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { repositoryRoot } from '../../pipeline/cache-paths.ts';
import { LivedubError } from '../../pipeline/errors.ts';
import type { SpeechUpdate } from '../../pipeline/face/dubbed-speech.ts';
import { FULL_AHEAD_US } from '../../pipeline/face/look-ahead.ts';
import type { PictureFormat } from '../../pipeline/face/picture.ts';
import { runTool } from '../../pipeline/media/tool-process.ts';
import type { BenchContext } from '../bench/bench.ts';
import { EngineShelf } from '../measure/engine-shelf.ts';
import { meanOf } from './curves.ts';
import { DubVoice } from './dub-speech.ts';
import { CLIP_FPS, type FaceClip } from './face-clips.ts';
import type { FacePathFigures } from './face-path.ts';
import type { FacePathAnswer, FacePathOrder } from './face-path-child.ts';

const FORMAT: PictureFormat = { widthPx: 640, heightPx: 360, colour: { matrix: 'bt601', range: 'limited' } };
const LANGUAGE = 'es';
const LENGTHS_S = { full: { fast: 300, paced: 40 }, quick: { fast: 40, paced: 15 } } as const;
const MEGABYTE = 1e6;

/** What the whole path costs without a GPU: as fast as it goes, and picture by picture in real time. */
export async function measureFaceCost(context: BenchContext, clip: FaceClip): Promise<void> {
  const { quick, folder, signal, progress } = context;
  const seconds = quick ? LENGTHS_S.quick : LENGTHS_S.full;
  progress('faces: preparing 640×360');
  const file = join(folder, 'path.mkv');
  await thereAndBack(clip.path, file, signal);
  const updates = await speechFor(seconds.fast, signal);
  const order = { file, format: FORMAT, updates, aheadUs: FULL_AHEAD_US, outFile: join(folder, 'path.webm') };
  progress(`faces: ${seconds.fast} s as fast as they go`);
  const fast = await runInChild({ ...order, seconds: seconds.fast, isPaced: false }, signal);
  progress(`faces: ${seconds.paced} s in real time`);
  const paced = await runInChild({ ...order, seconds: seconds.paced, isPaced: true }, signal);
  report(context, fast, paced);
}

/**
 * The clip at 640×360, forwards and then backwards: it can be played for minutes without a cut, so that the face never has to be learnt
 * anew.
 */
async function thereAndBack(path: string, file: string, signal: AbortSignal): Promise<void> {
  const { widthPx, heightPx } = FORMAT;
  const size = `fps=${CLIP_FPS},scale=${widthPx}:${heightPx}:force_original_aspect_ratio=decrease,pad=${widthPx}:${heightPx}:-1:-1,setsar=1,format=yuv420p`;
  const filter = `[0:v:0]${size},split[a][b];[b]reverse[c];[a][c]concat=n=2[out]`;
  const { code, stderr } = await runTool({
    tool: 'ffmpeg',
    args: [
      '-v',
      'error',
      '-i',
      path,
      '-filter_complex',
      filter,
      '-map',
      '[out]',
      '-c:v',
      'libx264',
      '-crf',
      '16',
      '-y',
      file,
    ],
    signal,
  });
  if (code !== 0)
    throw new LivedubError('LIVEDUB_E_INPUT_UNREADABLE', `${path} cannot be prepared: ${stderr.trim()}`);
}

async function speechFor(seconds: number, signal: AbortSignal): Promise<readonly SpeechUpdate[]> {
  const shelf = await EngineShelf.open(signal);
  try {
    return (await DubVoice.speak(shelf.engines, LANGUAGE, signal)).continuous(seconds);
  } finally {
    await shelf.close();
  }
}

async function runInChild(order: FacePathOrder, signal: AbortSignal): Promise<FacePathFigures> {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const child = fork(fileURLToPath(new URL('face-path-child.ts', import.meta.url)), {
    execArgv: ['--import', loader],
    env: { ...process.env, TSX_TSCONFIG_PATH: join(repositoryRoot, 'tsconfig.json') },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
    signal,
  });
  const ended = once(child, 'exit');
  child.send(order);
  const first = await Promise.race([once(child, 'message'), ended.then(() => undefined)]);
  await ended.catch(() => undefined);
  signal.throwIfAborted();
  const answer = first?.[0] as FacePathAnswer | undefined;
  if (answer === undefined)
    throw new LivedubError('LIVEDUB_E_ENGINE_FAILED', 'The process of the path ended early.');
  if ('failed' in answer) throw new LivedubError('LIVEDUB_E_ENGINE_FAILED', answer.failed.message);
  return answer.figures;
}

function report(context: BenchContext, fast: FacePathFigures, paced: FacePathFigures): void {
  const both = (value: (one: FacePathFigures) => number) => [{ value: value(fast) }, { value: value(paced) }];
  const memory = (bytes: readonly number[]) => (bytes.length === 0 ? null : Math.max(...bytes) / MEGABYTE);
  const step = (name: string, value: (one: FacePathFigures) => number) => ({
    name,
    unit: 'ms',
    digits: 2,
    figures: both(value),
  });
  context.figures(
    `faces: 640×360 at ${CLIP_FPS} a second, one rendition, ${cpus().length} cores, ${fast.engine} on ${fast.canvas}`,
    [
      `${(fast.pictures / CLIP_FPS).toFixed(0)} s, as fast as it goes`,
      `${(paced.pictures / CLIP_FPS).toFixed(0)} s, in real time`,
    ],
    [
      {
        name: 'decode, track, reanimate, mark, encode VP8',
        unit: '×',
        digits: 2,
        figures: [
          { value: fast.pictures / CLIP_FPS / fast.wallSeconds, goal: { atLeast: 2.5 } },
          { value: null },
        ],
      },
      step('tracking', (one) => one.trackMs),
      step('reanimation', (one) => one.reanimateMs),
      step('mark', (one) => one.markMs),
      step('decoding, CPU', (one) => one.decodeCpuMs),
      step('encoding, CPU', (one) => one.encodeCpuMs),
      step('Node in all, CPU', (one) => one.nodeCpuMs),
      {
        name: 'compute latency, median',
        unit: 'ms',
        digits: 1,
        figures: [{ value: null }, { value: paced.latencyMs.p50 }],
      },
      {
        name: 'compute latency, P95',
        unit: 'ms',
        digits: 1,
        figures: [{ value: null }, { value: paced.latencyMs.p95, goal: { atMost: 120 } }],
      },
      {
        name: 'look-ahead',
        unit: 'ms',
        digits: 0,
        figures: [{ value: null }, { value: (1000 * paced.lookAheadPictures) / CLIP_FPS }],
      },
      {
        name: 'most memory, both FFmpegs included',
        unit: 'MB',
        digits: 0,
        figures: [fast, paced].map((one) => ({ value: memory(one.residentBytes) })),
      },
      {
        name: '  last quarter less the second',
        unit: 'MB',
        digits: 1,
        figures: [{ value: growth(fast.residentBytes), goal: { atMost: 30 } }, { value: null }],
      },
      { name: 'strength', unit: '', digits: 2, figures: both(({ strength }) => strength) },
    ],
  );
  context.record('cost', { fast, paced });
}

/** How much more memory is used late than early, MB; null for too short a run. */
export function growth(residentBytes: readonly number[]): number | null {
  if (residentBytes.length < 8) return null;
  const quarter = Math.floor(residentBytes.length / 4);
  const mean = (from: number) => meanOf(residentBytes.slice(from, from + quarter));
  return (mean(residentBytes.length - quarter) - mean(quarter)) / MEGABYTE;
}
