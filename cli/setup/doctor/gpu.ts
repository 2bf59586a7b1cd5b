import { type CanvasTimes, measureCanvases } from '../../../gpu/canvas-times.ts';
import { findAdapter } from '../../../gpu/find-adapter.ts';
import { type DoctorRow, rowsOf } from './row.ts';

const row = rowsOf('GPU');

/** What faces are timed with. */
const FORMAT = {
  widthPx: 1280,
  heightPx: 720,
  colour: { matrix: 'bt709', range: 'limited' },
} as const;

/** The machine's GPU as kernels meet it, the software that stands in for one where they are checked, and where faces are drawn. */
export async function gpuRows(): Promise<readonly DoctorRow[]> {
  return [await adapterRow(), ...faceRows(await measureCanvases({ format: FORMAT }))];
}

async function adapterRow(): Promise<DoctorRow> {
  const found = await findAdapter({ software: true });
  if (found === undefined) {
    const detail = 'none that computes; the processor does its work, and its kernels cannot be checked here';
    return row('WebGPU adapter', 'missing', detail, false, 'LIVEDUB_SETUP_RETRY=1 npm start');
  }
  const { description, isSoftware } = found.info;
  const detail = isSoftware
    ? `${description}: software, for checks only; the processor does the work`
    : description;
  return row('WebGPU adapter', 'ok', detail, false);
}

function faceRows({ cpuMs, gpu }: CanvasTimes): readonly DoctorRow[] {
  const size = `${FORMAT.widthPx}×${FORMAT.heightPx}`;
  const onCpu = `${cpuMs.toFixed(1)} ms a picture of ${size}`;
  if (gpu === undefined) return [row('Faces', 'ok', `drawn by the processor: ${onCpu}`, false)];
  const isFaster = gpu.ms < cpuMs;
  const times = `${gpu.ms.toFixed(1)} ms a picture of ${size}, the processor ${cpuMs.toFixed(1)} ms`;
  return [
    row('GPU memory', 'ok', `${Math.floor(gpu.budgetBytes / 2 ** 20)} MiB are used at most`, false),
    row('Faces', 'ok', `drawn by ${isFaster ? 'the GPU' : 'the processor'}: the GPU ${times}`, false),
  ];
}
