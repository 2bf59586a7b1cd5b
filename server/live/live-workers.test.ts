import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { type LiveWorker, LiveWorkers, type LiveWorkersOptions } from './live-workers.ts';
import type { ChannelOrder } from './worker-messages.ts';

const fixture = fileURLToPath(new URL('./fixture-live-worker.mjs', import.meta.url));

const english = { from: 'en', renditions: [{ language: 'es' }] };
const spanish = { from: 'es', renditions: [{ language: 'en' }] };
const order: ChannelOrder = {
  ...english,
  channelId: 'news',
  session: 1,
  originUs: 0,
  delayMs: 6000,
  separateBed: false,
  clauseLog: '/nowhere',
  terms: { glossary: [], doNotTranslate: [] },
  marks: { dataDir: '/nowhere', keyId: 7, strength: 'discreet', renditions: {} },
  demand: {},
  controls: {},
};
const patience = () => AbortSignal.timeout(10_000);

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
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('LiveWorkers', () => {
  let workers: LiveWorkers | undefined;
  let pids: number[];
  let notices: string[];

  function made(behaviour = '', options: Partial<LiveWorkersOptions> = {}): LiveWorkers {
    pids = [];
    notices = [];
    workers = new LiveWorkers({
      spawn: () => {
        const child = fork(fixture, [], {
          execArgv: [],
          detached: true,
          env: { ...process.env, LIVE_FIXTURE: behaviour },
          stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        });
        pids.push(child.pid ?? 0);
        return child;
      },
      restartMinMs: 60,
      onNotice: (line) => notices.push(line),
      ...options,
    });
    return workers;
  }

  /** How long each restart was put off, ms. */
  const waits = () => notices.map((line) => Number(/in (\d+) ms/.exec(line)?.[1]));

  /** Names of the languages that a worker has loaded engines for. */
  async function enginesOf(worker: LiveWorker): Promise<string> {
    return await new Promise((resolve) => {
      const stop = worker.onMessage((message) => {
        if (message.kind !== 'failed') return;
        stop();
        resolve(message.error.message);
      });
      worker.send({ kind: 'open', order });
    });
  }

  afterEach(async () => {
    await workers?.close();
    expect(pids.filter(alive)).toEqual([]);
  });

  it('starts nothing before it is asked for a worker', async () => {
    made();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(pids).toEqual([]);
  });

  it('starts the spare one when the first has its engines, and has it load the same', async () => {
    const live = made();
    live.prepare(english);
    live.prepare(spanish);
    live.prepare(english);
    const first = await live.acquire(patience());
    await until(() => live.spareReady);
    expect(pids).toHaveLength(2);
    process.kill(first.pid ?? 0, 'SIGKILL');
    await until(() => live.pid === pids[1]);
    // In the order in which they were asked for last.
    expect(await enginesOf(await live.acquire(patience()))).toBe('has es en');
  });

  it('lets the spare one take over at once when the first dies, and starts another spare one', async () => {
    const live = made('', { restartMinMs: 300 });
    live.prepare(english);
    const first = await live.acquire(patience());
    await until(() => live.spareReady);
    process.kill(first.pid ?? 0, 'SIGKILL');
    await until(() => first.gone.aborted);
    expect(first.gone.reason).toMatchObject({ code: 'LIVEDUB_E_WORKER_DIED' });
    const second = await live.acquire(patience());
    expect(second.pid).toBe(pids[1]);
    expect(pids).toHaveLength(2);
    expect(notices.join()).toContain('the spare one takes over');
    await until(() => live.spareReady);
    expect(pids).toHaveLength(3);
  });

  it('replaces a spare one that dies, and leaves the first alone', async () => {
    const live = made();
    live.prepare(english);
    const first = await live.acquire(patience());
    await until(() => live.spareReady);
    process.kill(pids[1] ?? 0, 'SIGKILL');
    await until(() => pids.length === 3 && live.spareReady);
    expect(first.gone.aborted).toBe(false);
    expect(live.pid).toBe(pids[0]);
  });

  it('goes without a spare one when told so', async () => {
    const live = made('', { spare: false });
    live.prepare(english);
    const first = await live.acquire(patience());
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(pids).toHaveLength(1);
    process.kill(first.pid ?? 0, 'SIGKILL');
    const second = await live.acquire(AbortSignal.timeout(10_000)).then(async (worker) => {
      // The death may not have been noticed yet.
      if (worker !== first) return worker;
      await until(() => first.gone.aborted);
      return await live.acquire(patience());
    });
    expect(second.pid).toBe(pids[1]);
  });

  it('waits longer with every death in a row, also when channels keep asking', async () => {
    const live = made('stillborn');
    const enough = new AbortController();
    const waiting = live.acquire(enough.signal).catch(() => undefined);
    const asking = setInterval(() => live.prepare(english), 5);
    await until(() => notices.length === 3);
    clearInterval(asking);
    enough.abort();
    await waiting;
    expect(waits()).toEqual([60, 120, 240]);
    expect(pids).toHaveLength(3);
  });

  it('waits in the same way when a channel kills every worker that opens it', async () => {
    const live = made('frail', { spare: false });
    const startedMs = performance.now();
    for (let deaths = 0; deaths < 3; deaths++) {
      live.prepare(english);
      const worker = await live.acquire(patience());
      worker.send({ kind: 'open', order });
      await until(() => worker.gone.aborted);
    }
    expect(waits()).toEqual([60, 120, 240]);
    expect(performance.now() - startedMs).toBeGreaterThan(180);
  });

  it('stops waiting for a worker when nobody wants it any more', async () => {
    const live = made('mute');
    const nobody = new AbortController();
    const waiting = live.acquire(nobody.signal);
    nobody.abort(new Error('changed my mind'));
    await expect(waiting).rejects.toThrow('changed my mind');
  });

  it('closes while nothing runs, while a worker starts, while one waits to be restarted, and twice', async () => {
    await made().close();
    const starting = made('mute');
    const waiting = expect(starting.acquire(patience())).rejects.toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
    await Promise.all([starting.close(), starting.close()]);
    await waiting;
    const dying = made('stillborn', { restartMinMs: 5000 });
    const restart = expect(dying.acquire(patience())).rejects.toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
    await until(() => notices.length === 1);
    await dying.close();
    await restart;
    dying.prepare(english);
    expect(pids).toHaveLength(1);
  });

  it('kills a worker that does not heed stop', async () => {
    const live = made('deaf', { spare: false, stopTimeoutMs: 200 });
    await live.acquire(patience());
    const startedMs = performance.now();
    await live.close();
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });
});
