export declare const repositoryRoot: string;
export declare const workerRecipeDir: string;
export declare function cacheDir(): string;
export declare function dataDir(): string;
export declare function modelsDir(): string;
export declare function picoLingwareDir(): string;
export declare function mediasoupVersion(): string | undefined;
export declare function mediasoupWorkerBin(): string | undefined;
export declare function hashFolder(folder: string): string;
