import type { Step } from '../runner.mjs';

export declare const npmStep: Step;
