import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface DownloadOptions {
  readonly url: string;
  /** Where the whole file ends up; `<target>.partial` holds what has come so far. */
  readonly target: string;
  readonly signal: AbortSignal;
  readonly onProgress?: (receivedBytes: number, totalBytes: number | undefined) => void;
  /** Tries before it gives up. Default 4. */
  readonly attempts?: number;
  /** Longest silence of the server, ms. Default 60 000. */
  readonly idleMs?: number;
}

/** Answers that will be the same next time. */
class FinalError extends Error {}

/**
 * Fetches a file over HTTP, going on where an earlier attempt or run stopped.
 * @throws Error when the server refuses or stays silent, AbortError on request; what has come stays for the next time
 */
export async function download(options: DownloadOptions): Promise<void> {
  const { attempts = 4, signal, target } = options;
  await mkdir(dirname(target), { recursive: true });
  for (let attempt = 1; ; attempt++) {
    try {
      await fetchRest(options, `${target}.partial`);
      await rename(`${target}.partial`, target);
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof FinalError || attempt >= attempts) throw error;
      await sleep(500 * 2 ** attempt, undefined, { signal });
    }
  }
}

async function fetchRest(
  { url, signal, onProgress, idleMs = 60_000 }: DownloadOptions,
  partial: string,
): Promise<void> {
  const have = (await stat(partial).catch(() => undefined))?.size ?? 0;
  const idle = new AbortController();
  let timer = setTimeout(() => idle.abort(new Error(`no data for ${idleMs} ms`)), idleMs);
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (have > 0) headers.range = `bytes=${have}-`;
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.any([signal, idle.signal]) });
    if (response.status === 416) {
      // Longer than the file is: another version's rest.
      await response.body?.cancel();
      await rm(partial, { force: true });
      throw new Error('the server has less than is here already');
    }
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      const message = `${response.status} ${response.statusText}`.trim();
      throw response.status >= 500 || response.status === 429 ? new Error(message) : new FinalError(message);
    }
    const resumed = response.status === 206;
    const length = Number(response.headers.get('content-length') ?? Number.NaN);
    let received = resumed ? have : 0;
    const total = Number.isFinite(length) ? received + length : undefined;
    const file = await open(partial, resumed ? 'a' : 'w');
    try {
      for await (const chunk of response.body) {
        clearTimeout(timer);
        timer = setTimeout(() => idle.abort(new Error(`no data for ${idleMs} ms`)), idleMs);
        await file.write(chunk);
        received += chunk.length;
        onProgress?.(received, total);
      }
    } finally {
      await file.close();
    }
    if (total !== undefined && received < total) throw new Error(`${received} of ${total} bytes came`);
  } finally {
    clearTimeout(timer);
  }
}
