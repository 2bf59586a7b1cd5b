// A bilateral mean of a face's points over the pictures around one: smoothedLandmarks of pipeline/face/landmark-window.ts is the
// reference. One invocation a point.

struct Window {
  /// First number of the first row, and how many rows there are.
  first: u32,
  rows: u32,
  /// Which of them is smoothed.
  centre: u32,
  points: u32,
}

@group(0) @binding(2) var<uniform> window: Window;
/// Rows of x, y, z for every point, px.
@group(0) @binding(3) var<storage, read> landmarks: array<f32>;
/// What each row weighs by its distance in time; 0 leaves it out.
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read_write> smooth_points: array<f32>;

/// Differences of this size are motion, not noise, in distances between the outer corners of the eyes, and px at least.
const SIGMA_EYES = 0.012;
const MIN_SIGMA_PX = 0.8;
const RIGHT_EYE = 33u;
const LEFT_EYE = 263u;

@compute @workgroup_size(64)
fn smooth_landmarks(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= window.points) {
    return;
  }
  let own = point_of(window.centre, id.x);
  let eyes = point_of(window.centre, LEFT_EYE).xy - point_of(window.centre, RIGHT_EYE).xy;
  let sigma = max(MIN_SIGMA_PX, SIGMA_EYES * length(eyes));
  var sum = own;
  var total = 1.0;
  for (var row = 0u; row < window.rows; row += 1u) {
    if (row == window.centre || weights[row] == 0.0) {
      continue;
    }
    let other = point_of(row, id.x);
    let d = other.xy - own.xy;
    let share = weights[row] * exp(-dot(d, d) / (2.0 * sigma * sigma));
    total += share;
    sum += share * other;
  }
  for (var axis = 0u; axis < 3u; axis += 1u) {
    smooth_points[3u * id.x + axis] = sum[axis] / total;
  }
}

fn point_of(row: u32, point: u32) -> vec3f {
  let at = window.first + (row * window.points + point) * 3u;
  return vec3f(landmarks[at], landmarks[at + 1u], landmarks[at + 2u]);
}
