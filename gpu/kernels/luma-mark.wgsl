// Marks a plane of luma: pipeline/mark/video/luma-mark.ts is the reference, and says why. Pixels come four to a word, rows begin
// on whole words. A workgroup marks 64 x 16 pixels, an invocation four beside each other; both sums over the square of 9 x 9
// pixels around each are made of sums over columns, which neighbours share.

override ACTIVITY_MIN: f32;
override ACTIVITY_MAX: f32;
override ACTIVITY_SD: f32;
override BRIGHTNESS_MIN: f32;
override BRIGHTNESS_GAIN: f32;
override BRIGHTNESS_FULL: f32;

struct Plane {
  width: u32,
  height: u32,
  words_per_row: u32,
  strength: f32,
}

@group(0) @binding(0) var<uniform> plane: Plane;
@group(0) @binding(1) var<storage, read> before: array<u32>;
@group(0) @binding(2) var<storage, read> pattern: array<f32>;
@group(0) @binding(3) var<storage, read_write> after: array<u32>;

const RADIUS = 4u;
const SIDE = 9u;
const AREA = 81u;
const TILE_COLUMNS = 64u;
const TILE_ROWS = 16u;
const COLUMNS = 72u;
const ROWS = 24u;
const INVOCATIONS = 256u;

/// Pixels of the tile and RADIUS more on every side; those beyond the picture are as its nearest.
var<workgroup> pixels: array<u32, 1728>;
/// Sum over SIDE pixels of a column, and of their squares, by row of the tile.
var<workgroup> sums: array<u32, 1152>;
var<workgroup> squares: array<u32, 1152>;

@compute @workgroup_size(16, 16)
fn mark(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let first = vec2i(i32(group.x * TILE_COLUMNS), i32(group.y * TILE_ROWS)) - i32(RADIUS);
  let last = vec2i(i32(plane.width), i32(plane.height)) - 1;
  for (var i = index; i < COLUMNS * ROWS; i += INVOCATIONS) {
    let at = vec2u(clamp(first + vec2i(i32(i % COLUMNS), i32(i / COLUMNS)), vec2i(0), last));
    pixels[i] = pixel(before[at.y * plane.words_per_row + at.x / 4u], at.x % 4u);
  }
  workgroupBarrier();

  for (var i = index; i < COLUMNS * TILE_ROWS; i += INVOCATIONS) {
    var sum = 0u;
    var square = 0u;
    for (var row = 0u; row < SIDE; row += 1u) {
      let value = pixels[i + row * COLUMNS];
      sum += value;
      square += value * value;
    }
    sums[i] = sum;
    squares[i] = square;
  }
  workgroupBarrier();

  let y = group.y * TILE_ROWS + local.y;
  let x = group.x * TILE_COLUMNS + local.x * 4u;
  if (y >= plane.height || x >= plane.width) {
    return;
  }
  var column = local.y * COLUMNS + local.x * 4u;
  var sum = 0u;
  var square = 0u;
  for (var i = 0u; i < SIDE - 1u; i += 1u) {
    sum += sums[column + i];
    square += squares[column + i];
  }
  var word = 0u;
  for (var i = 0u; i < 4u; i += 1u) {
    sum += sums[column + SIDE - 1u];
    square += squares[column + SIDE - 1u];
    if (x + i < plane.width) {
      let value = pixels[(local.y + RADIUS) * COLUMNS + local.x * 4u + RADIUS + i];
      word |= marked(value, sum, square, pattern[y * plane.width + x + i]) << (8u * i);
    }
    sum -= sums[column];
    square -= squares[column];
    column += 1u;
  }
  after[y * plane.words_per_row + x / 4u] = word;
}

fn pixel(word: u32, place: u32) -> u32 {
  return (word >> (8u * place)) & 255u;
}

/// Exact up to the root: 81 squares of 255, times 81, fit into a word.
fn marked(value: u32, sum: u32, square: u32, pattern_here: f32) -> u32 {
  let variance = f32(square * AREA - sum * sum) / f32(AREA * AREA);
  let activity = min(ACTIVITY_MIN + sqrt(variance) / ACTIVITY_SD, ACTIVITY_MAX);
  let brightness = BRIGHTNESS_MIN + BRIGHTNESS_GAIN * min(f32(value) / BRIGHTNESS_FULL, 1.0);
  let change = plane.strength * activity * brightness * pattern_here;
  return u32(clamp(floor(f32(value) + change + 0.5), 0.0, 255.0));
}
