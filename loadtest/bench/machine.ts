import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from '../../pipeline/cache-paths.ts';
import { runTool } from '../../pipeline/media/tool-process.ts';

/** What figures depend on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  /** Processes that wanted a core in the last minute before the bench. */
  readonly loadBefore: number;
  /** Of livedub, Node, FFmpeg and the packages that compute. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Packages whose versions change figures. */
const PACKAGES = ['onnxruntime-node', 'mediasoup', '@discordjs/opus', 'tsx'];

export async function describeMachine(signal: AbortSignal): Promise<Machine> {
  const { stdout } = await runTool({ tool: 'ffmpeg', args: ['-hide_banner', '-version'], signal });
  const versions: Record<string, string> = {
    livedub: versionIn('package.json') ?? 'unknown',
    node: process.versions.node,
    ffmpeg: /^ffmpeg version (\S+)/m.exec(stdout)?.[1] ?? 'unknown',
  };
  for (const name of PACKAGES) {
    const version = versionIn(join('node_modules', name, 'package.json'));
    if (version !== undefined) versions[name] = version;
  }
  const cores = cpus();
  return {
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    memoryBytes: totalmem(),
    system: `${type()} ${release()} ${arch()}`,
    loadBefore: Math.round(loadavg()[0]! * 100) / 100,
    versions,
  };
}

/** A load at which other work takes a good part of the cores, so that figures say little. */
export function isBusy({ loadBefore, cores }: Pick<Machine, 'loadBefore' | 'cores'>): boolean {
  return loadBefore > cores * 0.3;
}

function versionIn(path: string): string | undefined {
  try {
    const { version } = JSON.parse(readFileSync(join(repositoryRoot, path), 'utf8')) as { version?: string };
    return version;
  } catch {
    return undefined;
  }
}
