import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { Progress } from '../contract.ts';
import type { DubOrder } from './messages.ts';
import { WorkerSupervisor } from './worker-supervisor.ts';

const fixture = fileURLToPath(new URL('./fixture-worker.mjs', import.meta.url));

function orderOf(path: string): DubOrder {
  return {
    jobId: 'a'.repeat(32),
    input: { kind: 'file', path },
    jobDir: '/nowhere',
    dataDir: '/nowhere',
    to: ['es'],
    from: 'auto',
    mode: 'synced',
    bed: 'duck',
  };
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error('waited 10 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('WorkerSupervisor', () => {
  let supervisor: WorkerSupervisor | undefined;
  const notices: string[] = [];

  function started(): WorkerSupervisor {
    notices.length = 0;
    supervisor = new WorkerSupervisor({
      spawn: () =>
        fork(fixture, [], { execArgv: [], detached: true, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
      restartMinMs: 50,
      onNotice: (line) => notices.push(line),
    });
    supervisor.start();
    return supervisor;
  }

  afterEach(async () => {
    await supervisor?.close();
  });

  const ignore = { signal: new AbortController().signal, onProgress: () => {} };

  it('hands on progress and result', async () => {
    const seen: Progress[] = [];
    const result = await started().run(orderOf('ok'), {
      ...ignore,
      onProgress: (progress) => seen.push(progress),
    });
    expect(result.outFile).toBe('out/a.mp4');
    expect(seen).toEqual([expect.objectContaining({ phase: 'dub', speed: 8 })]);
  });

  it('fails a job with the code the worker gave', async () => {
    await expect(started().run(orderOf('fail'), ignore)).rejects.toMatchObject({
      code: 'LIVEDUB_E_INPUT_NO_AUDIO',
      message: 'No sound.',
      remedy: 'Another file.',
    });
  });

  it('drops a message that does not fit the schema and tells the operator', async () => {
    await expect(started().run(orderOf('nonsense'), ignore)).rejects.toMatchObject({
      code: 'LIVEDUB_E_ABORTED',
    });
    expect(notices.join()).toContain('outFile');
  });

  it('fails the job of a killed worker, ends what it left, and starts another that works', async () => {
    const server = started();
    let childPid = 0;
    const job = server.run(orderOf('hang-with-child'), {
      ...ignore,
      onProgress: (progress) => {
        if (progress.lagMs !== 120) childPid = progress.lagMs;
      },
    });
    const failed = expect(job).rejects.toMatchObject({ code: 'LIVEDUB_E_WORKER_DIED', retryable: true });
    await until(() => childPid > 0);
    const firstPid = server.pid ?? 0;
    process.kill(firstPid, 'SIGKILL');
    await failed;
    expect(server.state).toBe('starting');
    await until(() => !alive(childPid));
    await until(() => server.state === 'ready');
    expect(server.pid).not.toBe(firstPid);
    expect(notices.join()).toContain('SIGKILL');
    await expect(server.run(orderOf('ok'), ignore)).resolves.toMatchObject({ sourceLanguage: 'en' });
  });

  it('waits longer with every death in a row', async () => {
    const server = started();
    for (const waitMs of [50, 100, 200]) {
      await until(() => server.state === 'ready');
      process.kill(server.pid ?? 0, 'SIGKILL');
      await until(() => notices.at(-1)?.includes(`in ${waitMs} ms`) ?? false);
    }
  });

  it('cancels a job when its signal aborts', async () => {
    const controller = new AbortController();
    const job = started().run(orderOf('hang'), {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(job).rejects.toMatchObject({ code: 'LIVEDUB_E_ABORTED' });
  });

  it('close ends the worker, fails what ran, and may be called twice', async () => {
    const server = started();
    const job = server.run(orderOf('hang'), {
      ...ignore,
      onProgress: () => {
        void server.close();
        void server.close();
      },
    });
    await expect(job).rejects.toMatchObject({ code: 'LIVEDUB_E_ABORTED' });
    await server.close();
    expect(server.state).toBe('stopped');
    expect(server.pid).toBeUndefined();
  });
});
