import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cpuPlaneMarker, gpuPlaneMarker, timePlaneMarker } from '../../gpu/plane-marker.ts';
import type { MarkDetection } from '../../pipeline/mark/finding.ts';
import type { MarkKey } from '../../pipeline/mark/mark-key.ts';
import { VideoMarkEmbedder } from '../../pipeline/mark/video/video-embedder.ts';
import { clipPicture, probeClip } from '../../server/verify/clip-media.ts';
import { DetectThread } from '../../server/verify/detect-thread-client.ts';
import type { BenchContext } from '../bench/bench.ts';
import type { Goal } from '../bench/goal.ts';
import { formatTable } from '../bench/table.ts';
import { bookOf, trialKey } from './audio-trials.ts';
import { meanOf, quantile, shareText, wilson } from './statistics.ts';
import {
  chooseVideoClips,
  FRAME_BYTES,
  ffmpeg,
  LUMA_BYTES,
  readVideoClip,
  VIDEO_FPS,
  VIDEO_HEIGHT,
  VIDEO_WIDTH,
  type VideoClip,
  videoProgrammes,
} from './video-material.ts';

const CLIP_S = 4;
const RENDITIONS = Array.from({ length: 64 }, (_, i) => 0x9_0000_0000 + i * 7_919);
/** Clips that are worked on side by side. */
const LANES = 2;
const WRONG_KEYS = 4;
const MEMORY_MIB = 768;

interface VideoAttack {
  readonly title: string;
  readonly extension: string;
  readonly args: readonly string[];
  readonly goal?: Goal;
}

const x264 = (crf: number): string[] => ['-c:v', 'libx264', '-preset', 'medium', '-crf', String(crf)];
const crop = `crop=${VIDEO_WIDTH * 0.9}:${VIDEO_HEIGHT * 0.9}:20:10`;

const VIDEO_ATTACKS: readonly VideoAttack[] = [
  { title: 'H.264 CRF 23', extension: 'mp4', args: x264(23) },
  { title: 'H.264 CRF 28', extension: 'mp4', args: x264(28), goal: { atLeast: 99 } },
  { title: 'H.264 CRF 33', extension: 'mp4', args: x264(33), goal: { atLeast: 95 } },
  {
    title: 'VP8 500 kb/s, realtime',
    extension: 'webm',
    args: ['-c:v', 'libvpx', '-b:v', '500k', '-deadline', 'realtime', '-cpu-used', '8'],
    goal: { atLeast: 99 },
  },
  {
    title: 'half size, H.264 CRF 23',
    extension: 'mp4',
    args: ['-vf', `scale=${VIDEO_WIDTH / 2}:${VIDEO_HEIGHT / 2}`, ...x264(23)],
    goal: { atLeast: 95 },
  },
  {
    title: '10 % cropped, H.264 CRF 23',
    extension: 'mp4',
    args: ['-vf', crop, ...x264(23)],
    goal: { atLeast: 95 },
  },
  {
    title: '10 % cropped and stretched, H.264 CRF 23',
    extension: 'mp4',
    args: ['-vf', `${crop},scale=${VIDEO_WIDTH}:${VIDEO_HEIGHT}`, ...x264(23)],
    goal: { atLeast: 95 },
  },
  {
    title: '25 to 30 frames a second, H.264 CRF 23',
    extension: 'mp4',
    args: ['-vf', 'fps=30', ...x264(23)],
    goal: { atLeast: 95 },
  },
];

interface VideoOutcome {
  readonly read: boolean;
  readonly named: boolean;
  readonly present: boolean;
  readonly wrong: boolean;
  readonly score: number;
}

interface ClipFigures {
  readonly programme: string;
  readonly startS: number;
  /** Of each frame, dB. */
  readonly psnrDb: readonly number[];
  readonly markMs: readonly number[];
  readonly outcomes: readonly VideoOutcome[];
  /** What wrong keys made of the unmarked clip. */
  readonly falseAlarms: number;
}

/** Marks the picture of clips, encodes them anew in many ways, and looks at them as `livedub verify` does. */
export async function measureVideo(context: BenchContext, options: { count: number }): Promise<void> {
  const programmes = await videoProgrammes();
  if (programmes.length === 0) {
    context.print('picture', 'not measured: the shared test data is absent');
    return;
  }
  const { signal, folder } = context;
  const clips = chooseVideoClips(programmes, { count: options.count, seconds: CLIP_S, seed: 11 });
  const key = await trialKey('video');
  const wrongKeys = await Promise.all(
    Array.from({ length: WRONG_KEYS }, (_, i) => trialKey(`wrong video ${i}`)),
  );
  const markMs = await timeMarking(clips[0]!, key, { folder, signal });
  const figures: ClipFigures[] = [];
  let next = 0;
  const lane = async () => {
    const open = (keys: readonly MarkKey[], candidates = bookOf(key.keyId, RENDITIONS)) =>
      new DetectThread({ keys, candidates, signal, memoryMiB: MEMORY_MIB });
    const threads = { right: open([key]), wrong: open(wrongKeys, []) };
    try {
      while (next < clips.length) {
        const place = next;
        next += 1;
        context.progress(`picture: clip ${place + 1} of ${clips.length}`);
        figures[place] = await measureClip(clips[place]!, place, { key, threads, folder, signal });
      }
    } finally {
      await threads.right.close();
      await threads.wrong.close();
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  reportVideo(context, figures, markMs);
  await reportGpu(context);
}

interface ClipTools {
  readonly key: MarkKey;
  readonly threads: { readonly right: DetectThread; readonly wrong: DetectThread };
  readonly folder: string;
  readonly signal: AbortSignal;
}

async function measureClip(clip: VideoClip, place: number, tools: ClipTools): Promise<ClipFigures> {
  const { key, threads, folder, signal } = tools;
  const frames = await readVideoClip(clip, { seconds: CLIP_S, folder, signal });
  const rendition = RENDITIONS[place % RENDITIONS.length]!;
  const marked = Buffer.from(frames);
  const markMs = await markFrames(marked, { key, rendition });
  const outcomes: VideoOutcome[] = [];
  for (const attack of VIDEO_ATTACKS) {
    const detection = await look(marked, attack, threads.right, { folder, signal });
    outcomes.push(judge(detection, key.keyId, rendition));
  }
  const unmarked = await look(frames, VIDEO_ATTACKS[place % VIDEO_ATTACKS.length]!, threads.wrong, {
    folder,
    signal,
  });
  return {
    programme: clip.programme.name,
    startS: clip.startS,
    psnrDb: psnrOf(frames, marked),
    markMs,
    outcomes,
    falseAlarms: unmarked.findings.length + (unmarked.presence === undefined ? 0 : 1),
  };
}

/** Marks frames in place. @returns ms of each */
async function markFrames(
  frames: Buffer,
  { key, rendition }: { key: MarkKey; rendition: number },
): Promise<number[]> {
  const embedder = await VideoMarkEmbedder.create({ key, rendition });
  const ms: number[] = [];
  for (let frame = 0; frame < frames.length / FRAME_BYTES; frame += 1) {
    const data = frames.subarray(frame * FRAME_BYTES, frame * FRAME_BYTES + LUMA_BYTES);
    const before = performance.now();
    embedder.mark(
      { width: VIDEO_WIDTH, height: VIDEO_HEIGHT, strideBytes: VIDEO_WIDTH, data },
      (frame * 1e6) / VIDEO_FPS,
    );
    ms.push(performance.now() - before);
  }
  return ms;
}

/** Best of three, before anything else runs: median ms of a frame. */
async function timeMarking(
  clip: VideoClip,
  key: MarkKey,
  options: { folder: string; signal: AbortSignal },
): Promise<number> {
  const frames = await readVideoClip(clip, { seconds: CLIP_S, ...options });
  const medians: number[] = [];
  for (let attempt = 0; attempt < 3; attempt += 1)
    medians.push(quantile(await markFrames(Buffer.from(frames), { key, rendition: 1 }), 0.5));
  return Math.min(...medians);
}

async function look(
  frames: Buffer,
  { extension, args }: VideoAttack,
  thread: DetectThread,
  { folder, signal }: { folder: string; signal: AbortSignal },
): Promise<MarkDetection> {
  const name = crypto.randomUUID();
  const raw = join(folder, `${name}.yuv`);
  const encoded = join(folder, `${name}.${extension}`);
  try {
    await writeFile(raw, frames);
    const size = `${VIDEO_WIDTH}x${VIDEO_HEIGHT}`;
    const input = ['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', size, '-r', String(VIDEO_FPS), '-i', raw];
    await ffmpeg([...input, ...args, '-pix_fmt', 'yuv420p', encoded], signal);
    const media = await probeClip(encoded, signal);
    return await thread.picture(clipPicture({ media, signal, maxSeconds: 60 }));
  } finally {
    await Promise.all([raw, encoded].map((path) => rm(path, { force: true })));
  }
}

function judge({ findings, presence }: MarkDetection, keyId: number, rendition: number): VideoOutcome {
  const right = findings.filter(
    ({ payload }) => payload.keyId === keyId && payload.rendition === rendition && payload.minute === 0,
  );
  return {
    read: right.some(({ how }) => how === 'read'),
    named: right.length > 0,
    present: right.length > 0 || presence?.keyId === keyId,
    wrong: right.length < findings.length,
    score: Math.max(0, ...right.map(({ score }) => score)),
  };
}

/** Of the luma of each frame, dB. */
function psnrOf(original: Buffer, marked: Buffer): number[] {
  return Array.from({ length: original.length / FRAME_BYTES }, (_, frame) => {
    let sum = 0;
    const from = frame * FRAME_BYTES;
    for (let i = from; i < from + LUMA_BYTES; i += 1) sum += (original[i]! - marked[i]!) ** 2;
    return 10 * Math.log10(255 ** 2 / Math.max(1e-3, sum / LUMA_BYTES));
  });
}

function reportVideo(context: BenchContext, figures: readonly ClipFigures[], markMs: number): void {
  const share = (attack: number, is: (outcome: VideoOutcome) => boolean) =>
    wilson(figures.filter(({ outcomes }) => is(outcomes[attack]!)).length, figures.length);
  context.figures(
    `picture: clips of ${CLIP_S} s that are named rightly (${figures.length} each)`,
    ['read', 'with look-up', 'known to be marked', 'wrong name'],
    VIDEO_ATTACKS.map(({ title, goal }, i) => ({
      name: title,
      unit: '%',
      digits: 1,
      figures: [
        { value: 100 * share(i, ({ read }) => read).share },
        { value: 100 * share(i, ({ named }) => named).share, ...(goal ? { goal } : {}) },
        { value: 100 * share(i, ({ present }) => present).share },
        { value: 100 * share(i, ({ wrong }) => wrong).share, goal: { atMost: 0 } },
      ],
    })),
  );
  context.print(
    'picture, with 95 % intervals',
    formatTable(
      [
        { title: 'attack' },
        ...['read %', 'with look-up %', 'score: mean', '5th pct'].map((title) => ({
          title,
          align: 'right' as const,
        })),
      ],
      VIDEO_ATTACKS.map(({ title }, i) => {
        const scores = figures.map(({ outcomes }) => outcomes[i]!.score);
        return [
          title,
          shareText(share(i, ({ read }) => read)),
          shareText(share(i, ({ named }) => named)),
          meanOf(scores).mean.toFixed(1),
          quantile(scores, 0.05).toFixed(1),
        ];
      }),
    ),
  );
  const psnr = figures.flatMap(({ psnrDb }) => psnrDb);
  const falseAlarms = figures.reduce((sum, one) => sum + one.falseAlarms, 0);
  context.figures(
    `picture: quality, cost, and false alarms (${figures.length} unmarked clips, ${WRONG_KEYS} keys each)`,
    ['640x360'],
    [
      {
        name: 'PSNR of a clip, least',
        unit: 'dB',
        digits: 1,
        figures: [
          { value: Math.min(...figures.map((one) => meanOf(one.psnrDb).mean)), goal: { atLeast: 42 } },
        ],
      },
      { name: 'PSNR of a frame, mean', unit: 'dB', digits: 1, figures: [{ value: meanOf(psnr).mean }] },
      { name: 'PSNR of a frame, least', unit: 'dB', digits: 1, figures: [{ value: Math.min(...psnr) }] },
      {
        name: 'marking a frame, one core',
        unit: 'ms',
        digits: 1,
        figures: [{ value: markMs, goal: { atMost: 12 } }],
      },
      { name: 'false alarms', unit: '', digits: 0, figures: [{ value: falseAlarms, goal: { atMost: 0 } }] },
    ],
  );
  context.record('video', figures);
}

/** 1080p on a GPU where there is one, and on the processor beside it. */
async function reportGpu(context: BenchContext): Promise<void> {
  context.progress('marking 1080p');
  const size = { width: 1920, height: 1080 };
  const cpuMs = await timePlaneMarker(cpuPlaneMarker(), size);
  const gpu = await gpuPlaneMarker({ ...size, signal: context.signal });
  if (gpu === undefined) {
    context.print(
      'picture: 1920x1080',
      `processor ${cpuMs.toFixed(1)} ms a frame; GPU not measured: none was found`,
    );
    return;
  }
  try {
    const gpuMs = await timePlaneMarker(gpu, size);
    context.figures(
      'picture: marking a frame of 1920x1080, transfers included',
      ['processor, one core', gpu.on],
      [
        {
          name: 'marking a frame',
          unit: 'ms',
          digits: 2,
          figures: [{ value: cpuMs }, { value: gpuMs, goal: { atMost: 1 } }],
        },
      ],
    );
  } finally {
    gpu.close();
  }
}
