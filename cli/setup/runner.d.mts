export interface Step {
  readonly id: string;
  readonly title: string;
  readonly required: boolean;
  readonly needs?: readonly string[];
  check(): { ok: boolean; detail?: string } | Promise<{ ok: boolean; detail?: string }>;
  install(context: { signal: AbortSignal; note: (text: string) => void }): Promise<void>;
}
export interface StepOutcome {
  readonly id: string;
  readonly title: string;
  readonly reason: string;
  readonly remedy?: string;
}
export interface RunContext {
  lock(signal: AbortSignal): Promise<() => void>;
  failureStamp(id: string): string;
  progress: { begin(title: string): void; note(text: string): void; end(mark: string, text: string): void };
  signal: AbortSignal;
  retry?: boolean;
  nowMs?: () => number;
}
export declare const RETRY_AFTER_MS: number;
export declare class SetupError extends Error {
  readonly remedy: string | undefined;
  constructor(message: string, remedy: string | undefined);
}
export declare function runSteps(
  steps: readonly Step[],
  context: RunContext,
): Promise<{ installed: string[]; missing: StepOutcome[]; failures: StepOutcome[] }>;
export declare function planSteps(
  steps: readonly Step[],
  options: { failureStamp(id: string): string; nowMs?: () => number; retry?: boolean },
): Promise<{ install: Step[]; postponed: StepOutcome[] }>;
export declare function writeWhole(file: string, content: string): void;
