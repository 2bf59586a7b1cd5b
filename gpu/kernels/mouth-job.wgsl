// What the kernels of one mouth share: gpu/mouth-job.ts fills it in. Rasters are of the job's part of the picture, row by row, red,
// green, blue 0…255 with a fourth number that says something about the pixel.

struct MouthJob {
  /// The part of the picture, px; begins at even places.
  x: u32,
  y: u32,
  width: u32,
  height: u32,
  has_patch: u32,
  has_former: u32,
  /// Whose colour gain it is, and whether that begins anew.
  stream: u32,
  fresh: u32,
  /// Part of its picture that a patch was cut from: x, y, width, height, px.
  patch_rect: vec4u,
  former_rect: vec4u,
  /// How many triangles there are of the picture's mesh, the patch's, and the former patch's, one list after the other.
  triangles: vec4u,
  opacity: f32,
  min_move: f32,
  seam_weight: f32,
  cavity_weight: f32,
  seam_reach: f32,
  seam_shadow: f32,
  teeth_reach: f32,
  gap: f32,
  upper_lip: vec4f,
  lower_lip: vec4f,
  dark: vec4f,
  tongue: vec4f,
  teeth: vec4f,
  /// Left, top, right, bottom, px of the raster.
  seam_bounds: vec4i,
  /// Stretches of words of the result: the first of each, how many come before the second, the third, and in all.
  first_words: vec4u,
  words_before: vec4u,
}

@group(0) @binding(2) var<uniform> job: MouthJob;
/// Points of the mesh, px of the picture, one list after the other; then alpha of each point; then the line of the seam.
@group(0) @binding(3) var<storage, read> mesh: array<vec2f>;

/// Those after them are of the ring around the jaw.
const FACE_POINTS = 468u;
const TARGET = 0u;
const SOURCE = 485u;
const PATCH = 970u;
const FORMER = 1438u;
const ALPHA = 1906u;
const SEAM = 2374u;

fn smooth_between(start: f32, end: f32, x: f32) -> f32 {
  let t = clamp((x - start) / (end - start), 0.0, 1.0);
  return t * t * (3.0 - 2.0 * t);
}
