/** Numbers over a picture, row by row. */
export interface PictureMap {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/** Mean over squares of 2 `radius` + 1 samples a side; at the border over what there is of them. */
export function boxMean(map: PictureMap, radius: number): PictureMap {
  const { width, height, values } = map;
  const across = new Float32Array(values.length);
  for (let y = 0; y < height; y += 1) {
    const at = y * width;
    let sum = 0;
    for (let x = 0; x < Math.min(radius, width); x += 1) sum += values[at + x]!;
    for (let x = 0; x < width; x += 1) {
      if (x + radius < width) sum += values[at + x + radius]!;
      if (x - radius - 1 >= 0) sum -= values[at + x - radius - 1]!;
      across[at + x] = sum / (Math.min(width - 1, x + radius) - Math.max(0, x - radius) + 1);
    }
  }
  const result = new Float32Array(values.length);
  const sums = new Float64Array(width);
  for (let y = 0; y < Math.min(radius, height); y += 1)
    for (let x = 0; x < width; x += 1) sums[x] = sums[x]! + across[y * width + x]!;
  for (let y = 0; y < height; y += 1) {
    const enters = y + radius < height ? (y + radius) * width : -1;
    const leaves = y - radius - 1 >= 0 ? (y - radius - 1) * width : -1;
    const rows = Math.min(height - 1, y + radius) - Math.max(0, y - radius) + 1;
    for (let x = 0; x < width; x += 1) {
      let sum = sums[x]!;
      if (enters >= 0) sum += across[enters + x]!;
      if (leaves >= 0) sum -= across[leaves + x]!;
      sums[x] = sum;
      result[y * width + x] = sum / rows;
    }
  }
  return { width, height, values: result };
}

/**
 * Brings a map to another size: each sample is the mean of what it covers, or between its neighbours where it covers less than one.
 */
export function resample(map: PictureMap, width: number, height: number): PictureMap {
  if (map.width === width && map.height === height) return map;
  const across = weights(map.width, width);
  const down = weights(map.height, height);
  const narrow = new Float32Array(map.height * width);
  for (let y = 0; y < map.height; y += 1) {
    const at = y * map.width;
    for (let x = 0; x < width; x += 1) {
      let sum = 0;
      const from = across.first[x]!;
      const taps = across.taps[x]!;
      for (let i = 0; i < taps.length; i += 1) sum += taps[i]! * map.values[at + from + i]!;
      narrow[y * width + x] = sum;
    }
  }
  const values = new Float32Array(height * width);
  for (let y = 0; y < height; y += 1) {
    const taps = down.taps[y]!;
    for (let i = 0; i < taps.length; i += 1) {
      const at = (down.first[y]! + i) * width;
      const tap = taps[i]!;
      for (let x = 0; x < width; x += 1)
        values[y * width + x] = values[y * width + x]! + tap * narrow[at + x]!;
    }
  }
  return { width, height, values };
}

/** For each sample of the new side: which samples of the old one, from `first` on, and how much of each. */
function weights(from: number, to: number): { first: Int32Array; taps: Float32Array[] } {
  const step = from / to;
  const reach = Math.max(1, step);
  const first = new Int32Array(to);
  const taps: Float32Array[] = [];
  for (let i = 0; i < to; i += 1) {
    const centre = (i + 0.5) * step - 0.5;
    const low = Math.max(0, Math.ceil(centre - reach + 1e-9));
    const high = Math.min(from - 1, Math.floor(centre + reach - 1e-9));
    const shares = Float32Array.from({ length: Math.max(1, high - low + 1) }, (_, k) =>
      step > 1
        ? Math.max(0, Math.min(1, (step + 1) / 2 - Math.abs(low + k - centre)))
        : 1 - Math.abs(low + k - centre),
    );
    const sum = shares.reduce((a, b) => a + b, 0);
    first[i] = Math.min(low, from - 1);
    taps.push(sum > 0 ? shares.map((share) => share / sum) : Float32Array.of(1));
  }
  return { first, taps };
}
