export interface Progress {
  print(line: string): void;
  begin(title: string): void;
  note(text: string): void;
  end(mark: string, text: string): void;
  close(): void;
}
export declare function createProgress(options?: {
  stream?: { write(text: string): unknown; isTTY?: boolean; columns?: number };
  interactive?: boolean;
  plainIntervalMs?: number;
}): Progress;
