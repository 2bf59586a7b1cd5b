// Blends a scaled, turned square into a picture: pasteCrop of pipeline/face/affine-paste.ts is the reference. One invocation a word
// of the picture, of three stretches of words that the host names: those of the rows that the crop covers, in each plane.

struct Paste {
  size: u32,
  mask_size: u32,
  opacity: f32,
  /// Below it nothing is seen.
  least_alpha: f32,
  xu: f32,
  xv: f32,
  x0: f32,
  yu: f32,
  yv: f32,
  y0: f32,
  unused: vec2f,
  /// What of the picture is touched: left, top, right, bottom, px.
  rect: vec4u,
  /// First words of the stretches, and how many words come before the second, the third, and in all.
  first_words: vec4u,
  words_before: vec4u,
}

@group(0) @binding(2) var<uniform> paste: Paste;
/// [3][size][size] red, green, blue, 0…1.
@group(0) @binding(3) var<storage, read> crop: array<f32>;
@group(0) @binding(4) var<storage, read> mask: array<f32>;
/// Holds the picture already.
@group(0) @binding(5) var<storage, read_write> result: array<u32>;

@compute @workgroup_size(64)
fn paste_crop(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= paste.words_before.z) {
    return;
  }
  var word = paste.first_words.x + id.x;
  if (id.x >= paste.words_before.y) {
    word = paste.first_words.z + id.x - paste.words_before.y;
  } else if (id.x >= paste.words_before.x) {
    word = paste.first_words.y + id.x - paste.words_before.x;
  }
  var made = 0u;
  for (var i = 0u; i < 4u; i += 1u) {
    made |= pasted(4u * word + i) << (8u * i);
  }
  result[word] = made;
}

fn pasted(byte: u32) -> u32 {
  let place = place_of(byte);
  if (place.plane == 3u) {
    return 0u;
  }
  let before = byte_of(byte);
  var at = vec2f(f32(place.x), f32(place.y));
  var seen = place.x >= paste.rect.x && place.x < paste.rect.z && place.y >= paste.rect.y && place.y < paste.rect.w;
  if (place.plane > 0u) {
    seen = place.x >= paste.rect.x / 2u && 2u * place.x < paste.rect.z
      && place.y >= paste.rect.y / 2u && 2u * place.y < paste.rect.w;
    at = min(2.0 * at + 0.5, vec2f(f32(format.width - 1u), f32(format.height - 1u)));
  }
  let found = sample_crop(at);
  if (!seen || found.a < paste.least_alpha) {
    return u32(before);
  }
  let yuv = yuv_of(found.rgb);
  return rounded(before + found.a * (yuv[place.plane] - before));
}

/// Red, green, blue and how much of them is seen.
fn sample_crop(at: vec2f) -> vec4f {
  let d = at - vec2f(paste.x0, paste.y0);
  let scale = 1.0 / (paste.xu * paste.yv - paste.xv * paste.yu);
  let uv = vec2f(paste.yv * d.x - paste.xv * d.y, paste.xu * d.y - paste.yu * d.x) * scale;
  let size = f32(paste.size);
  if (any(uv < vec2f(-0.5)) || any(uv > vec2f(size - 0.5))) {
    return vec4f(0.0);
  }
  let in_mask = corners(paste.mask_size, (uv + 0.5) * f32(paste.mask_size) / size - 0.5);
  let m = vec4f(mask[in_mask.at.x], mask[in_mask.at.y], mask[in_mask.at.z], mask[in_mask.at.w]);
  let in_crop = corners(paste.size, uv);
  var rgb = vec3f(0.0);
  for (var c = 0u; c < 3u; c += 1u) {
    let i = in_crop.at + c * paste.size * paste.size;
    rgb[c] = weighed(vec4f(crop[i.x], crop[i.y], crop[i.z], crop[i.w]), in_crop.part);
  }
  return vec4f(rgb, paste.opacity * weighed(m, in_mask.part));
}

struct Corners {
  at: vec4u,
  part: vec2f,
}

fn corners(size: u32, at: vec2f) -> Corners {
  let inside = clamp(at, vec2f(0.0), vec2f(f32(size - 1u)));
  let first = vec2u(inside);
  let second = min(first + 1u, vec2u(size - 1u));
  let rows = vec2u(first.y, second.y) * size;
  return Corners(vec4u(rows.x + first.x, rows.x + second.x, rows.y + first.x, rows.y + second.x), inside - vec2f(first));
}

fn weighed(values: vec4f, part: vec2f) -> f32 {
  return mix(mix(values.x, values.y, part.x), mix(values.z, values.w, part.x), part.y);
}
