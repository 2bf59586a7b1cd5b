import { decodePcm, levelled } from '../../loadtest/clips/pcm.ts';
import { type SpokenFile, spokenFiles } from '../../loadtest/clips/testdata.ts';

/** Recordings of several speakers and languages; none where the shared test data is absent. */
export async function someSpeech(): Promise<readonly SpokenFile[]> {
  return (await spokenFiles(['en', 'de', 'es'])).filter((_, i) => i % 4 === 0);
}

/** Recordings one after another. */
export async function speechOf(
  files: readonly SpokenFile[],
  rateHz: number,
  signal: AbortSignal,
): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  for (const { path } of files) parts.push(levelled(await decodePcm(path, rateHz, signal)));
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
