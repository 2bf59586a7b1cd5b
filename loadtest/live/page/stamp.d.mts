export declare const WIDTH: number;
export declare const HEIGHT: number;
export declare const READ_WIDTH: number;
export declare const READ_HEIGHT: number;

export interface Painted {
  fillStyle: string;
  fillRect(x: number, y: number, width: number, height: number): void;
}

export declare function paint(context: Painted, atMs: number, flash: boolean): void;
export declare function read(rgba: Uint8ClampedArray): { atMs: number | undefined; flash: boolean };
export declare function ageMs(drawnMs: number, nowMs: number): number;
