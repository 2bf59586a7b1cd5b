import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LivedubError } from '../../../pipeline/errors.ts';
import type { Conversion } from '../../store/converters.ts';
import { readTfjsModel } from './tfjs-model.ts';
import { type TfjsToOnnxOptions, tfjsToOnnx } from './tfjs-to-onnx.ts';

/** The networks, by the name their files have in the manifest, with what is wanted of them. */
const NETWORKS: Readonly<Record<string, Pick<TfjsToOnnxOptions, 'input' | 'outputs'>>> = {
  blazeface: {
    input: 'picture',
    outputs: {
      coarseScores: { node: 'Identity', dims: [512] },
      fineScores: { node: 'Identity_1', dims: [384] },
      coarseBoxes: { node: 'Identity_2', dims: [512, 16] },
      fineBoxes: { node: 'Identity_3', dims: [384, 16] },
    },
  },
  facemesh: {
    input: 'face',
    outputs: {
      points: { node: 'Identity_2', dims: [468, 3] },
      confidence: { node: 'Identity_1', dims: [1] },
    },
  },
  iris: { input: 'eye', outputs: { points: { node: 'Identity', dims: [76, 3] } } },
  // It also guesses age and sex, which is nobody's business here: those parts are left out.
  faceres: { input: 'face', outputs: { vector: { node: 'global_pooling/Mean', dims: [1024] } } },
};

/**
 * Turns face networks into ONNX, once, at install; the same bytes every time.
 * @param conversion files in pairs: `NAME.json` and `NAME.bin` become `NAME.onnx`
 * @throws LIVEDUB_E_MODEL_CORRUPT, LIVEDUB_E_ABORTED
 */
export async function convertFace({ files, outDir, signal, onProgress }: Conversion): Promise<void> {
  const names = Object.keys(NETWORKS).filter((name) => `${name}.json` in files);
  await mkdir(outDir, { recursive: true });
  for (const [done, name] of names.entries()) {
    if (signal.aborted)
      throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: signal.reason });
    onProgress?.(done / names.length, name);
    const model = await readTfjsModel(files[`${name}.json`]!, files[`${name}.bin`]!);
    await writeFile(join(outDir, `${name}.onnx`), tfjsToOnnx({ name, model, ...NETWORKS[name]! }));
  }
  onProgress?.(1, 'done');
}
