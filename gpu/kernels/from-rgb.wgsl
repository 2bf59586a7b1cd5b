// Colours as the planes of a picture: fromRgb of pipeline/face/pixels/colour-convert.ts is the reference. One invocation a word of
// the picture; a chroma sample is the mean of its four pixels, or of those there are.

/// Four bytes a pixel: red, green, blue, and one more.
@group(0) @binding(4) var<storage, read> colours: array<u32>;
@group(0) @binding(5) var<storage, read_write> planes: array<u32>;

@compute @workgroup_size(64)
fn from_rgb(@builtin(global_invocation_id) id: vec3u) {
  if (4u * id.x >= format.total_bytes) {
    return;
  }
  var word = 0u;
  for (var i = 0u; i < 4u; i += 1u) {
    word |= plane_byte(place_of(4u * id.x + i)) << (8u * i);
  }
  planes[id.x] = word;
}

fn plane_byte(place: Place) -> u32 {
  if (place.plane == 3u) {
    return 0u;
  }
  if (place.plane == 0u) {
    return rounded(yuv_of(colour(place.x, place.y)).x);
  }
  var sum = vec3f(0.0);
  var count = 0.0;
  for (var y = 2u * place.y; y < min(2u * place.y + 2u, format.height); y += 1u) {
    for (var x = 2u * place.x; x < min(2u * place.x + 2u, format.width); x += 1u) {
      sum += colour(x, y);
      count += 1.0;
    }
  }
  return rounded(yuv_of(sum / count)[place.plane]);
}

fn colour(x: u32, y: u32) -> vec3f {
  return unpack4x8unorm(colours[y * format.width + x]).rgb;
}
