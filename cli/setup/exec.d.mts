export declare function findCommand(name: string, path?: string): string | undefined;
export declare function run(
  command: string,
  args: readonly string[],
  options?: {
    cwd?: string;
    env?: Record<string, string | undefined>;
    signal?: AbortSignal;
    timeoutMs?: number;
    onLine?: (line: string) => void;
    logFile?: string;
  },
): Promise<{ code: number; lines: string[]; timedOut: boolean }>;
