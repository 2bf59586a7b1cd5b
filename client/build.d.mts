/** Absolute folder of the built page. */
export declare const clientDist: string;
/** True when client/dist was built from the sources as they are now. */
export declare function clientIsFresh(): boolean;
/** Builds the page unless it is fresh; tells whether it did. */
export declare function buildClient(options?: { log?: (line: string) => void }): Promise<boolean>;
