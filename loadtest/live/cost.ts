import { cpus } from 'node:os';
import { machineSeconds, ProcessTreeMeter } from './process-tree.ts';

export interface LiveCost {
  readonly wallSeconds: number;
  readonly cores: number;
  /** CPU by kind of process, as a share of one core. */
  readonly coresByKind: ReadonlyMap<string, number>;
  /** Of all cores, what the server and all that it started leave, %. */
  readonly toSparePercent: number;
  /** Of all cores, what nobody used, the bench's own browser included, %. */
  readonly idlePercent: number;
  readonly peakMemoryBytes: number;
}

/** Measures what a live server costs from now on. */
export class LiveCostMeter {
  readonly #tree: ProcessTreeMeter;
  readonly #machineBefore = machineSeconds();

  constructor(serverPid: number) {
    this.#tree = new ProcessTreeMeter(serverPid, kindOf);
  }

  /** Stops measuring. */
  end(): LiveCost {
    const { wallSeconds, cpuSeconds, peakMemoryBytes } = this.#tree.end();
    const after = machineSeconds();
    const cores = cpus().length;
    const used = [...cpuSeconds.values()].reduce((sum, seconds) => sum + seconds, 0);
    const { total, idle } = this.#machineBefore;
    return {
      wallSeconds,
      cores,
      coresByKind: new Map([...cpuSeconds].map(([kind, seconds]) => [kind, seconds / wallSeconds])),
      toSparePercent: 100 * (1 - used / (wallSeconds * cores)),
      idlePercent: (100 * (after.idle - idle)) / Math.max(1, after.total - total),
      peakMemoryBytes,
    };
  }
}

/** What programs that have nothing to do with the bench took while something was measured. */
export class OthersMeter {
  readonly #tree = new ProcessTreeMeter(process.pid, () => 'bench', { memory: false });
  readonly #machineBefore = machineSeconds();

  /** Stops measuring. @returns cores, and a line for people */
  end(): { readonly cores: number; readonly line: string } {
    const { wallSeconds, cpuSeconds } = this.#tree.end();
    const after = machineSeconds();
    const before = this.#machineBefore;
    const used = after.total - before.total - (after.idle - before.idle);
    const others = Math.max(0, (used - (cpuSeconds.get('bench') ?? 0)) / wallSeconds);
    const all = cpus().length;
    const warning = others > all * 0.1 ? ': latencies are longer than they are on a machine of its own' : '';
    return {
      cores: others,
      line: `other programs took ${others.toFixed(2)} of ${all} cores meanwhile${warning}`,
    };
  }
}

function kindOf(commandLine: string): string {
  if (commandLine.includes('server-child')) return 'server';
  if (commandLine.includes('mediasoup-worker')) return 'media workers';
  if (/main\.ts (live-)?worker/.test(commandLine)) return 'workers with their engines';
  return 'helper programs';
}
