// Cuts a scaled, turned square out of a picture: cutCrop of pipeline/face/affine-paste.ts is the reference. One invocation a pixel
// of the crop.

struct Crop {
  size: u32,
  /// Samples across one pixel of the crop.
  taps: u32,
  xu: f32,
  xv: f32,
  x0: f32,
  yu: f32,
  yv: f32,
  y0: f32,
}

@group(0) @binding(2) var<uniform> crop: Crop;
/// [3][size][size] red, green, blue, 0…1.
@group(0) @binding(3) var<storage, read_write> cut: array<f32>;

@compute @workgroup_size(8, 8)
fn cut_crop(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= crop.size || id.y >= crop.size) {
    return;
  }
  var sum = vec3f(0.0);
  for (var i = 0u; i < crop.taps * crop.taps; i += 1u) {
    let step = vec2f(f32(i % crop.taps), f32(i / crop.taps));
    let uv = vec2f(id.xy) + (step + 0.5) / f32(crop.taps) - 0.5;
    sum += yuv_at(vec2f(crop.xu * uv.x + crop.xv * uv.y + crop.x0, crop.yu * uv.x + crop.yv * uv.y + crop.y0));
  }
  let rgb = clamp(rgb_of(sum / f32(crop.taps * crop.taps)), vec3f(0.0), vec3f(1.0));
  let area = crop.size * crop.size;
  let at = id.y * crop.size + id.x;
  cut[at] = rgb.r;
  cut[area + at] = rgb.g;
  cut[2u * area + at] = rgb.b;
}
