import type { Step } from '../runner.mjs';

export declare const workerStep: Step;
export declare function workerStarts(file: string | undefined): boolean;
