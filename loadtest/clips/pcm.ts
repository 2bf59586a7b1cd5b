import { LivedubError } from '../../pipeline/errors.ts';
import { startTool } from '../../pipeline/media/tool-process.ts';

/** Decodes the first sound track of a file. @returns mono, −1…1 */
export async function decodePcm(path: string, rateHz: number, signal: AbortSignal): Promise<Float32Array> {
  const tool = startTool({
    tool: 'ffmpeg',
    args: [
      '-v',
      'error',
      '-i',
      path,
      '-map',
      '0:a:0',
      '-ac',
      '1',
      '-ar',
      String(rateHz),
      '-f',
      'f32le',
      'pipe:1',
    ],
    signal,
    output: true,
  });
  const parts: Buffer[] = [];
  for await (const part of tool.stdout!) parts.push(part as Buffer);
  const { code, stderr } = await tool.exit;
  signal.throwIfAborted();
  const bytes = Buffer.concat(parts);
  if (code !== 0 || bytes.length < 4)
    throw new LivedubError('LIVEDUB_E_INPUT_UNREADABLE', `${path} cannot be decoded: ${stderr.trim()}`);
  return new Float32Array(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length - (bytes.length % 4)),
  );
}

/** 16-bit little-endian samples, rounded and clipped. */
export function toS16(pcm: Float32Array): Buffer {
  const out = Buffer.alloc(pcm.length * 2);
  for (let i = 0; i < pcm.length; i += 1) {
    out.writeInt16LE(Math.round(Math.max(-1, Math.min(1, pcm[i]!)) * 32_767), i * 2);
  }
  return out;
}

/** Level to which speech is brought, dB of full scale (RMS), and the highest peak it may get. */
const SPEECH_RMS_DB = -23;
const MAX_PEAK = 0.9;

/** Root mean square, dB of full scale; −∞ for silence. */
export function rmsDb(pcm: Float32Array): number {
  let sum = 0;
  for (const sample of pcm) sum += sample * sample;
  return 10 * Math.log10(sum / Math.max(1, pcm.length));
}

/** Brings a recording to the level of ordinary speech: some of the test recordings are 40 dB below it. */
export function levelled(pcm: Float32Array): Float32Array {
  let peak = 0;
  for (const sample of pcm) peak = Math.max(peak, Math.abs(sample));
  if (peak === 0) return pcm;
  const gain = Math.min(10 ** ((SPEECH_RMS_DB - rmsDb(pcm)) / 20), MAX_PEAK / peak);
  return pcm.map((sample) => sample * gain);
}
