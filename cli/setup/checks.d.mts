export declare function totals(file: string, code: number): { passed: number; failed: number };
