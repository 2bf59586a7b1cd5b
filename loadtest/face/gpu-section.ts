import { timeCanvas } from '../../gpu/canvas-times.ts';
import type { GpuDevice } from '../../gpu/gpu-device.ts';
import { GPUBufferUsage } from '../../gpu/gpu-device.ts';
import { GpuFaceCanvas } from '../../gpu/gpu-face-canvas.ts';
import { KernelTimer } from '../../gpu/kernel-runner.ts';
import { faceMesh, lowerFace, mouthJob, paintedPicture, patchView } from '../../gpu/painted-face.ts';
import { borrowGpu } from '../../gpu/shared-gpu.ts';
import { CpuFaceCanvas, jobRect } from '../../pipeline/face/cpu-canvas.ts';
import type { PictureFormat } from '../../pipeline/face/picture.ts';
import type { BenchContext } from '../bench/bench.ts';
import { formatTable } from '../bench/table.ts';
import { percentile } from './curves.ts';

/** Set to 1, software Vulkan is measured where there is no GPU: to try the section out, not for its figures. */
const SOFTWARE = 'LIVEDUB_BENCH_SOFTWARE_GPU';
const FULL_HD = { widthPx: 1920, heightPx: 1080 } as const;
const SMALL = { widthPx: 320, heightPx: 180 } as const;
const RENDITIONS = 8;
const PICTURES = { full: 600, quick: 120, software: 6 } as const;
const WARM_UP = 3;
const COPIED_BYTES = 2 ** 28;
const COPIES = 20;

/** Bytes that a kernel has to read and write for a pixel of the mouth's part of the picture, each once. */
const BYTES_A_PIXEL: Readonly<Record<string, number>> = {
  film: 1.5 + 4 + 12,
  number: 3 * 4,
  warp: 4 + 12 + 4 + 32,
  sum: 32 / 4,
  finish: 32 + 16,
  write: 16 + 2 * 1.5,
};

/** Reanimation's pixels on this machine's GPU: pictures a second, kernels against memory bandwidth, transfers. */
export async function gpuFaceSection(context: BenchContext): Promise<void> {
  const { signal, print, record, progress } = context;
  const software = process.env[SOFTWARE] === '1';
  const borrowed = await borrowGpu({ signal, software });
  if (borrowed === undefined) {
    const told = `No GPU that computes was found on this machine: nothing was measured.\nRun this on one that has a GPU; ${SOFTWARE}=1 tries the way out on software Vulkan.`;
    print('Faces on a GPU', told);
    record('faceGpu', null);
    return;
  }
  try {
    const { gpu } = borrowed;
    const isSoftware = gpu.info.isSoftware;
    const colour = { matrix: 'bt709', range: 'limited' } as const;
    const format: PictureFormat = { ...(isSoftware ? SMALL : FULL_HD), colour };
    const pictures = isSoftware ? PICTURES.software : context.quick ? PICTURES.quick : PICTURES.full;
    const where = `${gpu.info.description}${isSoftware ? ' (software: its figures say nothing)' : ''}`;
    progress(`faces: one rendition on ${where}`);
    const one = await measure(gpu, { format, pictures, renditions: 1, signal });
    progress(`faces: ${RENDITIONS} renditions`);
    const many = await measure(gpu, { format, pictures, renditions: RENDITIONS, signal });
    progress('faces: the same on the processor');
    const cpu = new CpuFaceCanvas({ format });
    const cpuMs = await timeCanvas(cpu, { format, pictures: 20 });
    cpu.close();
    report(context, { where, isSoftware, format, one, many, cpuMs });
    await reportKernels(context, gpu, format, pictures);
  } finally {
    borrowed.giveBack();
  }
}

interface Measured {
  readonly picturesPerSecond: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly uploads: number;
  readonly readBacks: number;
  readonly uploadedMegabytes: number;
  readonly readBackMegabytes: number;
}

interface Order {
  readonly format: PictureFormat;
  readonly pictures: number;
  readonly renditions: number;
  readonly signal?: AbortSignal;
  readonly timer?: KernelTimer;
}

/** A picture goes up, a mouth is kept of it, and every rendition comes back, one picture after the other. */
async function measure(gpu: GpuDevice, order: Order): Promise<Measured> {
  const { format, pictures, renditions, signal, timer } = order;
  const canvas = await GpuFaceCanvas.create({ format, gpu, maxPictures: 4, ...(timer ? { timer } : {}) });
  try {
    const { source, place, rect, openingPx } = face(format);
    const filmed = [1, 2].map((seed) => paintedPicture(format, seed));
    const ms: number[] = [];
    let before = canvas.transfers;
    for (let i = -WARM_UP; i < pictures; i += 1) {
      signal?.throwIfAborted();
      if (i === 0) before = canvas.transfers;
      const startMs = performance.now();
      const slot = canvas.load(filmed[Math.abs(i) % filmed.length]!);
      const patch = patchView(canvas.keepPatch(slot, rect)!, source);
      const jobs = Array.from({ length: renditions }, (_, stream) => {
        const opened = openingPx * (0.5 + 0.5 * Math.sin(i / 3 + stream));
        return mouthJob({ slot, place, patch, openingPx: opened, more: { stream, fresh: i === -WARM_UP } });
      });
      await Promise.all(jobs.map((job) => canvas.render(slot, [job])));
      canvas.release(slot);
      canvas.dropPatch(patch.id);
      if (i >= 0) ms.push(performance.now() - startMs);
    }
    const after = canvas.transfers;
    const totalMs = ms.reduce((sum, value) => sum + value, 0);
    return {
      picturesPerSecond: (1000 * pictures) / totalMs,
      medianMs: percentile(ms, 0.5),
      p95Ms: percentile(ms, 0.95),
      uploads: (after.uploads - before.uploads) / pictures,
      readBacks: (after.readBacks - before.readBacks) / pictures,
      uploadedMegabytes: (after.uploadedBytes - before.uploadedBytes) / pictures / 1e6,
      readBackMegabytes: (after.readBackBytes - before.readBackBytes) / pictures / 1e6,
    };
  } finally {
    canvas.close();
  }
}

/** Somebody who speaks to the camera. */
function face(format: PictureFormat) {
  const eyesPx = 0.2 * format.heightPx;
  const place = { x: format.widthPx / 2, y: format.heightPx / 2, eyesPx };
  const source = faceMesh(place);
  return { place, source, rect: lowerFace(source, format), openingPx: 0.12 * eyesPx };
}

function report(
  { figures, record }: BenchContext,
  measured: {
    where: string;
    isSoftware: boolean;
    format: PictureFormat;
    one: Measured;
    many: Measured;
    cpuMs: number;
  },
): void {
  const { where, isSoftware, format, one, many, cpuMs } = measured;
  const goal = (atLeast: number) => (isSoftware ? {} : { goal: { atLeast } });
  const row = (name: string, unit: string, value: (one: Measured) => number, digits = 2) => ({
    ...{ name, unit, digits },
    figures: [{ value: value(one) }, { value: value(many) }],
  });
  figures(
    `Faces on ${where}, ${format.widthPx}×${format.heightPx}`,
    ['1 rendition', `${RENDITIONS} renditions`],
    [
      {
        ...{ name: 'pictures', unit: '/s', digits: 0 },
        figures: [
          { value: one.picturesPerSecond, ...goal(200) },
          { value: many.picturesPerSecond, ...goal(30) },
        ],
      },
      row('a picture, median', 'ms', ({ medianMs }) => medianMs),
      row('a picture, P95', 'ms', ({ p95Ms }) => p95Ms),
      {
        ...{ name: 'the same on the processor', unit: 'ms' },
        figures: [{ value: cpuMs }, { value: RENDITIONS * cpuMs }],
      },
      row('uploads a picture', '', ({ uploads }) => uploads, 1),
      row('read-backs a picture', '', ({ readBacks }) => readBacks, 1),
      row('up a picture', 'MB', ({ uploadedMegabytes }) => uploadedMegabytes),
      row('back a picture', 'MB', ({ readBackMegabytes }) => readBackMegabytes),
    ],
  );
  record('faceGpu', measured);
}

async function reportKernels(
  context: BenchContext,
  gpu: GpuDevice,
  format: PictureFormat,
  pictures: number,
): Promise<void> {
  const timer = KernelTimer.on(gpu);
  if (timer === undefined) {
    context.print(
      'Kernels',
      'This GPU has no clock that can be asked: kernels were not timed by themselves.',
    );
    return;
  }
  context.progress('faces: kernels by themselves');
  try {
    await measure(gpu, { format, pictures: Math.min(pictures, 100), renditions: 1, timer });
    const copyRate = await copyBytesPerSecond(gpu);
    const { place, source, openingPx } = face(format);
    const job = mouthJob({ slot: 0, place, patch: patchView(0, source), openingPx });
    const { widthPx, heightPx } = jobRect(job, paintedPicture(format))!;
    const rows = [...timer.ms].map(([kernel, ms]) => {
      const medianMs = percentile(ms, 0.5);
      const bytes = (BYTES_A_PIXEL[kernel] ?? 0) * widthPx * heightPx;
      const rate = bytes / (medianMs / 1000);
      const known = bytes > 0 && medianMs > 0;
      return {
        kernel,
        medianMs,
        megabytes: bytes / 1e6,
        gigabytesPerSecond: known ? rate / 1e9 : null,
        ofCopy: known ? rate / copyRate : null,
      };
    });
    const text = (value: number | null, digits: number) => (value === null ? '–' : value.toFixed(digits));
    const table = formatTable(
      ['kernel', 'ms', 'MB', 'GB/s', '% of a copy'].map((title, i) => ({
        title,
        align: i > 0 ? 'right' : 'left',
      })),
      rows.map(({ kernel, medianMs, megabytes, gigabytesPerSecond, ofCopy }) => [
        kernel,
        medianMs.toFixed(4),
        megabytes.toFixed(2),
        text(gigabytesPerSecond, 1),
        text(ofCopy === null ? null : 100 * ofCopy, 0),
      ]),
    );
    const limit = `One mouth, ${widthPx}×${heightPx} px. A copy within the GPU's memory moves ${(copyRate / 1e9).toFixed(0)} GB/s.`;
    context.print('Kernels against the bandwidth of memory', `${table}\n${limit}`);
    context.record('faceGpuKernels', { copyRate, rows });
  } finally {
    timer.close();
  }
}

/** Bytes read and written in a second by plain copies. */
async function copyBytesPerSecond(gpu: GpuDevice): Promise<number> {
  const bytes = gpu.info.isSoftware ? 2 ** 24 : Math.min(COPIED_BYTES, gpu.budget.limitBytes / 8);
  const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const [from, to] = ['from', 'to'].map((label) => gpu.memory({ label, bytes, usage }));
  const copy = async (times: number): Promise<void> => {
    const encoder = gpu.device.createCommandEncoder();
    for (let i = 0; i < times; i += 1) encoder.copyBufferToBuffer(from!.buffer, 0, to!.buffer, 0, bytes);
    gpu.device.queue.submit([encoder.finish()]);
    await gpu.device.queue.onSubmittedWorkDone();
  };
  await copy(2);
  const startMs = performance.now();
  await copy(COPIES);
  const seconds = (performance.now() - startMs) / 1000;
  from!.free();
  to!.free();
  return (2 * COPIES * bytes) / seconds;
}
