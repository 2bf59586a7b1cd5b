// Fits the gain of a patch: matchColour of pipeline/face/pixels/colour-match.ts is the reference. First every workgroup sums up its
// pixels, then one workgroup adds those sums and solves.

@group(0) @binding(9) var<storage, read> drawn: array<vec4f>;
@group(0) @binding(10) var<storage, read> laid: array<vec4f>;
@group(0) @binding(12) var<storage, read_write> partial: array<f32>;

const ALPHA_MIN = 0.03;
const ALPHA_MAX = 0.7;
const OUTLIER = 0.5;
const GAIN_LIMIT = 0.35;
const MIN_WEIGHT = 5.0;
const INERTIA = 0.6;
const STEP = 2u;
/// Weights, by 1, u, v, uu, uv, vv; then for red, green and blue the logarithm, by 1, u, v; the last is not used.
const SUMS = 16u;
const SIDE = 16u;

var<workgroup> pixel_sums: array<mat4x4f, 256>;

@compute @workgroup_size(16, 16)
fn sum_pixels(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  pixel_sums[index] = looked_at(id.xy * STEP);
  workgroupBarrier();
  for (var half = 128u; half > 0u; half /= 2u) {
    if (index < half) {
      pixel_sums[index] += pixel_sums[index + half];
    }
    workgroupBarrier();
  }
  if (index < SUMS) {
    partial[(group.y * groups.x + group.x) * SUMS + index] = pixel_sums[0][index / 4u][index % 4u];
  }
}

fn looked_at(at: vec2u) -> mat4x4f {
  let none = mat4x4f();
  if (at.x >= job.width || at.y >= job.height) {
    return none;
  }
  let p = at.y * job.width + at.x;
  let over = laid[p];
  if (over.a < ALPHA_MIN || over.a > ALPHA_MAX) {
    return none;
  }
  // Beyond black there is no gain to speak of.
  let logs = log(max((drawn[p].rgb + FLOOR) / (over.rgb + FLOOR), vec3f(1e-6)));
  if (any(abs(logs) > vec3f(OUTLIER))) {
    return none;
  }
  let w = over.a * (1.0 - over.a) * f32(STEP * STEP);
  let u = f32(at.x) / f32(job.width) - 0.5;
  let v = f32(at.y) / f32(job.height) - 0.5;
  return mat4x4f(
    w * vec4f(1.0, u, v, u * u),
    w * vec4f(u * v, v * v, logs.r, logs.r * u),
    w * vec4f(logs.r * v, logs.g, logs.g * u, logs.g * v),
    w * vec4f(logs.b, logs.b * u, logs.b * v, 0.0),
  );
}

var<workgroup> totals: array<f32, 16>;
var<workgroup> lanes: array<f32, 256>;

/// Sixteen invocations add up each number; then one a colour solves.
@compute @workgroup_size(16, 16)
fn solve(@builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
  let tile = SIDE * STEP;
  let count = ((job.width + tile - 1u) / tile) * ((job.height + tile - 1u) / tile);
  var sum = 0.0;
  for (var i = local.x; i < count; i += SIDE) {
    sum += partial[i * SUMS + local.y];
  }
  lanes[index] = sum;
  workgroupBarrier();
  if (local.x == 0u) {
    var total = 0.0;
    for (var i = 0u; i < SIDE; i += 1u) {
      total += lanes[index + i];
    }
    totals[local.y] = total;
  }
  workgroupBarrier();
  if (index < 3u) {
    var gain = vec3f(0.0);
    if (totals[0] > MIN_WEIGHT) {
      gain = plane_of(index);
    }
    for (var k = 0u; k < 3u; k += 1u) {
      let at = job.stream * 9u + index * 3u + k;
      gains[at] = select(mix(gain[k], gains[at], INERTIA), gain[k], job.fresh == 1u);
    }
  }
}

fn plane_of(channel: u32) -> vec3f {
  let weight = totals[0];
  let ridge = 0.02;
  let a = 1.0 + ridge * 0.1;
  let b = totals[1] / weight;
  let c = totals[2] / weight;
  let d = totals[3] / weight + ridge;
  let e = totals[4] / weight;
  let f = totals[5] / weight + ridge;
  let inverse = mat3x3f(
    vec3f(d * f - e * e, c * e - b * f, b * e - c * d),
    vec3f(c * e - b * f, a * f - c * c, b * c - a * e),
    vec3f(b * e - c * d, b * c - a * e, a * d - b * b),
  );
  let determinant = a * inverse[0][0] + b * inverse[0][1] + c * inverse[0][2];
  let first = 6u + channel * 3u;
  let t = vec3f(totals[first], totals[first + 1u], totals[first + 2u]) / weight;
  return clamp(inverse * t / determinant, vec3f(-GAIN_LIMIT), vec3f(GAIN_LIMIT));
}
