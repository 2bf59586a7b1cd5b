import { open, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { LivedubError } from '../../pipeline/errors.ts';
import type { Exchange } from './exchange.ts';
import { parseRange } from './range.ts';

const CHUNK_BYTES = 256 * 1024;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.mp4': 'video/mp4',
  '.vtt': 'text/vtt; charset=utf-8',
  '.srt': 'application/x-subrip; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
};

export interface SendFileOptions {
  /** Absolute path, already known to be one that may be read. */
  file: string;
  /** Cache-Control. Default `no-cache` (ask each time, 304 when unchanged). */
  cacheControl?: string;
  /** Save it under this name instead of showing it. */
  downloadName?: string;
}

/** Content type by a file's extension. */
export function contentTypeOf(file: string): string {
  return TYPES[extname(file).toLowerCase()] ?? 'application/octet-stream';
}

/**
 * Sends a file, or the part that a Range header asks for; answers HEAD and If-None-Match.
 * @throws LivedubError LIVEDUB_E_NOT_FOUND
 */
export async function sendFile(exchange: Exchange, options: SendFileOptions): Promise<void> {
  const info = await stat(options.file).catch(() => undefined);
  if (!info?.isFile()) throw new LivedubError('LIVEDUB_E_NOT_FOUND', 'There is no such file.');
  const etag = `"${info.size.toString(36)}-${Math.round(info.mtimeMs).toString(36)}"`;
  const headers: [string, string][] = [
    ['content-type', contentTypeOf(options.file)],
    ['cache-control', options.cacheControl ?? 'no-cache'],
    ['etag', etag],
    ['accept-ranges', 'bytes'],
  ];
  if (options.downloadName !== undefined) {
    headers.push(['content-disposition', contentDisposition(options.downloadName)]);
  }
  if (exchange.header('if-none-match') === etag) {
    exchange.empty(304, headers);
    return;
  }
  const ifRange = exchange.header('if-range');
  const range = parseRange(ifRange === '' || ifRange === etag ? exchange.header('range') : '', info.size);
  if (range.kind === 'unsatisfiable') {
    exchange.empty(416, [['content-range', `bytes */${info.size}`]], 0);
    return;
  }
  const start = range.kind === 'part' ? range.start : 0;
  const length = range.kind === 'part' ? range.length : info.size;
  const status = range.kind === 'part' ? 206 : 200;
  if (range.kind === 'part')
    headers.push(['content-range', `bytes ${start}-${start + length - 1}/${info.size}`]);
  if (exchange.method === 'HEAD' || length === 0) {
    exchange.empty(status, headers, length);
    return;
  }
  const handle = await open(options.file, 'r');
  try {
    let position = start;
    const end = start + length;
    await exchange.stream(status, headers, length, async () => {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - position));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      position += bytesRead;
      return buffer.subarray(0, bytesRead);
    });
  } finally {
    await handle.close();
  }
}

/** RFC 6266: a plain ASCII name for old clients, the true one for the others. */
function contentDisposition(name: string): string {
  const ascii = name.replace(/[^\w.-]+/g, '_');
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encodeURIComponent(name)}`;
}
