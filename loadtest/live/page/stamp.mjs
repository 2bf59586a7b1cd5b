// A picture that machines can read: when it was drawn, as black and white fields, and whether its flash is on.

export const WIDTH = 640;
export const HEIGHT = 360;
/** Size at which it is read back. */
export const READ_WIDTH = 80;
export const READ_HEIGHT = 45;

const COLUMNS = 8;
const ROWS = 4;
const CELL = 64;
const SCALE = WIDTH / READ_WIDTH;
/** ms in 24 bits: four and a half hours. */
const DATA_BITS = 24;
const FLASH_X = COLUMNS * CELL;

/** @param {number} atMs wall time; kept modulo 2^24 */
export function paint(context, atMs, flash) {
  const data = Math.round(atMs) % 2 ** DATA_BITS;
  context.fillStyle = '#444';
  context.fillRect(0, 0, WIDTH, HEIGHT);
  for (const [i, bit] of [...bits(data, DATA_BITS), ...bits(checkOf(data), 8)].entries()) {
    context.fillStyle = bit ? '#fff' : '#000';
    context.fillRect((i % COLUMNS) * CELL, Math.floor(i / COLUMNS) * CELL, CELL, CELL);
  }
  // Something that moves, as in an ordinary picture.
  for (let x = 0; x < 16; x += 1) {
    context.fillStyle = `hsl(${(x * 23 + atMs / 20) % 360} 70% 50%)`;
    context.fillRect(x * 32, ROWS * CELL + 10 + 40 * (1 + Math.sin(atMs / 300 + x)), 30, 20);
  }
  context.fillStyle = flash ? '#fff' : '#000';
  context.fillRect(FLASH_X, 0, WIDTH - FLASH_X, HEIGHT);
}

/**
 * @param {Uint8ClampedArray} rgba READ_WIDTH × READ_HEIGHT pixels
 * @returns {{ atMs: number | undefined, flash: boolean }} `atMs` modulo 2^24; undefined when the picture is damaged
 */
export function read(rgba) {
  const isLight = (x, y) => rgba[(Math.round(y / SCALE) * READ_WIDTH + Math.round(x / SCALE)) * 4 + 1] > 127;
  let data = 0;
  let check = 0;
  for (let i = 0; i < COLUMNS * ROWS; i += 1) {
    const bit = isLight((i % COLUMNS) * CELL + CELL / 2, Math.floor(i / COLUMNS) * CELL + CELL / 2) ? 1 : 0;
    if (i < DATA_BITS) data = data * 2 + bit;
    else check = check * 2 + bit;
  }
  return {
    atMs: check === checkOf(data) ? data : undefined,
    flash: isLight((FLASH_X + WIDTH) / 2, HEIGHT / 2),
  };
}

/** ms between a drawn time and a later wall time. */
export function ageMs(drawnMs, nowMs) {
  return mod(nowMs - drawnMs);
}

function mod(ms) {
  const size = 2 ** DATA_BITS;
  return ((ms % size) + size) % size;
}

function bits(value, count) {
  return Array.from({ length: count }, (_, i) => Math.floor(value / 2 ** (count - 1 - i)) % 2);
}

function checkOf(data) {
  return ((data & 255) ^ ((data >> 8) & 255) ^ ((data >> 16) & 255) ^ 0x5a) & 255;
}
