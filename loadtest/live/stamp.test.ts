import { describe, expect, it } from 'vitest';
import { ageMs, HEIGHT, paint, READ_HEIGHT, READ_WIDTH, read, WIDTH } from './page/stamp.mjs';

/** As much of a canvas as painting needs: rectangles of black, white and grey at the size at which they are read back. */
function canvas() {
  const rgba = new Uint8ClampedArray(READ_WIDTH * READ_HEIGHT * 4);
  return {
    rgba,
    fillStyle: '',
    fillRect(x: number, y: number, width: number, height: number) {
      const level = { '#fff': 235, '#000': 20 }[this.fillStyle] ?? 100;
      const [scaleX, scaleY] = [WIDTH / READ_WIDTH, HEIGHT / READ_HEIGHT];
      for (let row = Math.round(y / scaleY); row < Math.round((y + height) / scaleY); row += 1)
        for (let column = Math.round(x / scaleX); column < Math.round((x + width) / scaleX); column += 1)
          rgba.fill(level, (row * READ_WIDTH + column) * 4, (row * READ_WIDTH + column) * 4 + 4);
    },
  };
}

describe('a stamped picture', () => {
  it('says when it was drawn and whether its flash is on', () => {
    for (const [atMs, flash] of [
      [1_795_827_000_123, true],
      [1_795_827_004_567, false],
      [2 ** 24 - 1, true],
      [0, false],
    ] as const) {
      const picture = canvas();
      paint(picture, atMs, flash);
      expect(read(picture.rgba)).toEqual({ atMs: atMs % 2 ** 24, flash });
    }
  });

  it('is told from a damaged one', () => {
    const picture = canvas();
    paint(picture, 1_795_827_000_123, false);
    // The first field is turned over.
    picture.fillStyle = read(picture.rgba).atMs! >= 2 ** 23 ? '#000' : '#fff';
    picture.fillRect(0, 0, 64, 64);
    expect(read(picture.rgba).atMs).toBeUndefined();
    expect(read(new Uint8ClampedArray(READ_WIDTH * READ_HEIGHT * 4)).atMs).toBeUndefined();
  });

  it('has an age also when its clock has wrapped around', () => {
    expect(ageMs(2 ** 24 - 10, 7 * 2 ** 24 + 90)).toBe(100);
  });
});
