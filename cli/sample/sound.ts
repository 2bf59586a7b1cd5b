/** Speech as one voice gave it. */
export interface Speech {
  /** Mono, −1…1. */
  readonly pcm: Float32Array;
  readonly sampleRateHz: number;
}

/**
 * Puts sentences one after the other with silence before, between and after, and brings the loudest sample to −3 dBFS.
 * @throws Error when the sentences differ in sample rate
 */
export function joinSpeech(sentences: readonly Speech[], pauseMs: number): Speech {
  const sampleRateHz = sentences[0]?.sampleRateHz ?? 16_000;
  const pauseSamples = Math.round((pauseMs / 1000) * sampleRateHz);
  const length = sentences.reduce((sum, one) => sum + one.pcm.length + pauseSamples, pauseSamples);
  const pcm = new Float32Array(length);
  let offset = pauseSamples;
  let peak = 0;
  for (const sentence of sentences) {
    if (sentence.sampleRateHz !== sampleRateHz) throw new Error('sentences differ in sample rate');
    for (const sample of sentence.pcm) peak = Math.max(peak, Math.abs(sample));
    pcm.set(sentence.pcm, offset);
    offset += sentence.pcm.length + pauseSamples;
  }
  if (peak > 0)
    for (let index = 0; index < pcm.length; index += 1) pcm[index] = (pcm[index] ?? 0) * (0.708 / peak);
  return { pcm, sampleRateHz };
}

/** Mono 16-bit WAV. */
export function wavOf({ pcm, sampleRateHz }: Speech): Uint8Array {
  const bytes = Buffer.alloc(44 + pcm.length * 2);
  bytes.write('RIFF', 0, 'latin1');
  bytes.writeUInt32LE(36 + pcm.length * 2, 4);
  bytes.write('WAVEfmt ', 8, 'latin1');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(sampleRateHz, 24);
  bytes.writeUInt32LE(sampleRateHz * 2, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(pcm.length * 2, 40);
  for (const [index, sample] of pcm.entries()) {
    bytes.writeInt16LE(Math.round(Math.max(-1, Math.min(1, sample)) * 32_767), 44 + index * 2);
  }
  return bytes;
}

/**
 * How wide a drawn mouth stands open in each picture: 0 closed, 1 half, 2 open; from the sound's level.
 * @param framesPerSecond pictures a second
 */
export function mouthOpenings(
  { pcm, sampleRateHz }: Speech,
  framesPerSecond: number,
): readonly (0 | 1 | 2)[] {
  const frameSamples = sampleRateHz / framesPerSecond;
  const levels = Array.from({ length: Math.ceil(pcm.length / frameSamples) }, (_, frame) => {
    const part = pcm.subarray(Math.round(frame * frameSamples), Math.round((frame + 1) * frameSamples));
    let energy = 0;
    for (const sample of part) energy += sample * sample;
    return Math.sqrt(energy / Math.max(1, part.length));
  });
  const loud = [...levels].sort((a, b) => a - b)[Math.floor(levels.length * 0.9)] ?? 0;
  return levels.map((level) => (loud === 0 || level < loud * 0.15 ? 0 : level < loud * 0.6 ? 1 : 2));
}
