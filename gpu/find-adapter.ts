import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot, softwareVulkanDriver } from '../pipeline/cache-paths.ts';

export interface GpuAdapterInfo {
  /** As the driver says, e.g. `nvidia`, `mesa`. */
  readonly vendor: string;
  readonly architecture: string;
  /** For people: name and version of device or driver. */
  readonly description: string;
  /** A processor that plays a GPU: right results, no gain in speed. */
  readonly isSoftware: boolean;
}

export interface FoundAdapter {
  readonly info: GpuAdapterInfo;
  /** What the Vulkan loader has to be told, when it is not to look for drivers itself. */
  readonly driverFile: string | undefined;
}

/** A first start may compile shaders on a slow machine; a driver that needs longer hangs. */
const PROBE_TIMEOUT_MS = 20_000;
/** The threads' bundles lie elsewhere than their sources. */
const CHILD = join(repositoryRoot, 'gpu', 'probe-child.mjs');

let found: {
  readonly system: Promise<FoundAdapter | undefined>;
  software?: Promise<FoundAdapter | undefined>;
};

/**
 * The adapter to compute on: this machine's GPU, else, where `software` allows it, software Vulkan, the system's own or what set-up
 * unpacked. Each driver is first tried out in a process of its own, once for the life of this one. Undefined where nothing works.
 */
export async function findAdapter(options: {
  readonly software: boolean;
}): Promise<FoundAdapter | undefined> {
  found ??= { system: probe(undefined) };
  const system = await found.system;
  if (system && (options.software || !system.info.isSoftware)) return system;
  if (!options.software) return undefined;
  const driverFile = softwareVulkanDriver();
  if (!existsSync(driverFile)) return undefined;
  found.software ??= probe(driverFile);
  return found.software;
}

async function probe(driverFile: string | undefined): Promise<FoundAdapter | undefined> {
  const printed = await new Promise<string>((resolve) => {
    const env = driverFile === undefined ? process.env : { ...process.env, ...driverEnv(driverFile) };
    const options = { env, timeout: PROBE_TIMEOUT_MS, killSignal: 'SIGKILL', windowsHide: true } as const;
    // However it failed, there is no adapter in it for us: nothing is printed then.
    execFile(process.execPath, [CHILD], options, (_error, stdout) => resolve(stdout));
  });
  const info = parse(printed.trim().split('\n').at(-1) ?? '');
  return info ? { info, driverFile } : undefined;
}

/** Environment in which the Vulkan loader takes this driver and no other. */
export function driverEnv(driverFile: string): Readonly<Record<string, string>> {
  return { VK_DRIVER_FILES: driverFile };
}

function parse(line: string): GpuAdapterInfo | undefined {
  try {
    return (JSON.parse(line) as GpuAdapterInfo | null) ?? undefined;
  } catch {
    return undefined;
  }
}
