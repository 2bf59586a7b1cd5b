import { findAdapter } from '../../../gpu/find-adapter.ts';
import { type DoctorRow, rowsOf } from './row.ts';

const row = rowsOf('GPU');

/** The machine's GPU as kernels meet it, and the software that stands in for one where they are checked. */
export async function gpuRows(): Promise<readonly DoctorRow[]> {
  const found = await findAdapter({ software: true });
  if (found === undefined) {
    const detail = 'none that computes; the processor does its work, and its kernels cannot be checked here';
    return [row('WebGPU adapter', 'missing', detail, false, 'LIVEDUB_SETUP_RETRY=1 npm start')];
  }
  const { description, isSoftware } = found.info;
  const detail = isSoftware
    ? `${description}: software, for checks only; the processor does the work`
    : description;
  return [row('WebGPU adapter', 'ok', detail, false)];
}
