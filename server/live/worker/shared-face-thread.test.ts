import { describe, expect, it } from 'vitest';
import type { FaceThread } from '../../face/face-thread-client.ts';
import { SharedFaceThread } from './shared-face-thread.ts';

describe('SharedFaceThread', () => {
  it('waits for a thread that its signal has ended: a process that goes before it crashes', async () => {
    const stop = new AbortController();
    const died = new AbortController();
    let finish = (): void => undefined;
    const closed = new Promise<void>((resolve) => {
      finish = resolve;
    });
    // As FaceThread does: dead at once, over when it has computed what it is at.
    stop.signal.addEventListener('abort', () => died.abort());
    const thread = { died: died.signal, close: () => closed } as unknown as FaceThread;
    const shared = new SharedFaceThread({ signal: stop.signal, open: async () => thread });
    await shared.acquire({}, new AbortController().signal);
    stop.abort();
    let isClosed = false;
    const closing = shared.close().then(() => {
      isClosed = true;
    });
    await new Promise(setImmediate);
    expect(isClosed).toBe(false);
    finish();
    await closing;
  });
});
