// Part of a picture as colours: toRgb of pipeline/face/pixels/colour-convert.ts is the reference.

struct Part {
  x: u32,
  y: u32,
  width: u32,
  height: u32,
}

@group(0) @binding(2) var<uniform> part: Part;
/// Four bytes a pixel: red, green, blue, 255.
@group(0) @binding(4) var<storage, read_write> colours: array<u32>;

@compute @workgroup_size(16, 16)
fn to_rgb(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= part.width || id.y >= part.height) {
    return;
  }
  colours[id.y * part.width + id.x] = colour_word(vec2u(part.x, part.y) + id.xy);
}
