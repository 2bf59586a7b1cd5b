import { AudioMarkEmbedder, type AudioMarkEmbedderOptions } from '../../pipeline/mark/audio/embedder.ts';

/** What a stretch of sound is processed in, samples: 20 ms, as mixing gives it. */
const BLOCK_SAMPLES = 960;

/**
 * Marks sound as a rendition's last stage does, in blocks of 20 ms from media time 0 on.
 * @returns as long as what is given and in step with it: the delay is taken out
 */
export async function markSound(
  planes: readonly Float32Array[],
  options: Omit<AudioMarkEmbedderOptions, 'channels'>,
): Promise<Float32Array[]> {
  const embedder = await AudioMarkEmbedder.create({ ...options, channels: planes.length === 2 ? 2 : 1 });
  embedder.restart(0);
  const length = planes[0]!.length;
  const latency = AudioMarkEmbedder.latencySamples;
  const out = planes.map(() => new Float32Array(length + latency));
  const put = (at: number, parts: readonly Float32Array[]) => {
    for (const [channel, part] of parts.entries()) out[channel]!.set(part, at);
  };
  for (let at = 0; at < length; at += BLOCK_SAMPLES)
    put(
      at,
      embedder.process(planes.map((plane) => plane.subarray(at, Math.min(length, at + BLOCK_SAMPLES)))),
    );
  put(length, embedder.flush());
  return out.map((plane) => plane.subarray(latency));
}
