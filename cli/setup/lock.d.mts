export declare function acquireLock(
  file: string,
  options?: { signal?: AbortSignal; pollMs?: number; onWait?: (pid: number) => void },
): Promise<() => void>;
