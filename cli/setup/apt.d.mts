export interface Mirror {
  readonly uri: string;
  readonly suite: string;
  readonly signedBy: string;
  readonly distribution: string;
}
export declare function ownMirror(options?: { etc?: string }): Mirror | undefined;
