export declare const MINIMUM_NODE: readonly [number, number];
export declare function nodeProblem(version: string): string | undefined;
export declare function onGoodNode(then: () => unknown): unknown;
