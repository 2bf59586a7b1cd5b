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
