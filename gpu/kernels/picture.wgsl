// What all kernels that read or write 4:2:0 pictures share. Their bytes lie as pipeline/face/picture.ts says, four to a word, and
// words begin in the middle of rows where sizes are odd; so pictures are written word by word, each by one invocation.

struct PictureFormat {
  width: u32,
  height: u32,
  chroma_width: u32,
  chroma_height: u32,
  u_offset: u32,
  v_offset: u32,
  total_bytes: u32,
  unused: u32,
  /// Weights of red, green and blue in luma.
  kr: f32,
  kg: f32,
  kb: f32,
  /// How luma and chroma are laid over a byte.
  black: f32,
  luma: f32,
  chroma: f32,
}

@group(0) @binding(0) var<uniform> format: PictureFormat;
@group(0) @binding(1) var<storage, read> picture: array<u32>;

/// Where a byte of a picture belongs: plane 0, 1, 2 is Y, U, V; 3 is beyond the end.
struct Place {
  plane: u32,
  x: u32,
  y: u32,
}

fn place_of(byte: u32) -> Place {
  if (byte < format.u_offset) {
    return Place(0u, byte % format.width, byte / format.width);
  }
  if (byte >= format.total_bytes) {
    return Place(3u, 0u, 0u);
  }
  let plane = select(1u, 2u, byte >= format.v_offset);
  let at = byte - select(format.u_offset, format.v_offset, plane == 2u);
  return Place(plane, at % format.chroma_width, at / format.chroma_width);
}

fn byte_of(at: u32) -> f32 {
  return f32((picture[at / 4u] >> (8u * (at % 4u))) & 255u);
}

/// As Math.round.
fn rounded(value: f32) -> u32 {
  return u32(clamp(floor(value + 0.5), 0.0, 255.0));
}

fn bilinear(offset: u32, width: u32, height: u32, at: vec2f) -> f32 {
  let last = vec2f(f32(width - 1u), f32(height - 1u));
  let inside = clamp(at, vec2f(0.0), last);
  let first = vec2u(inside);
  let second = min(first + 1u, vec2u(width - 1u, height - 1u));
  let part = inside - vec2f(first);
  let above = mix(byte_of(offset + first.y * width + first.x), byte_of(offset + first.y * width + second.x), part.x);
  let below = mix(byte_of(offset + second.y * width + first.x), byte_of(offset + second.y * width + second.x), part.x);
  return mix(above, below, part.y);
}

/// Luma and chroma at a point, pixel centres at whole numbers; chroma lies in the middle of its four pixels.
fn yuv_at(at: vec2f) -> vec3f {
  let coarse = (at - 0.5) / 2.0;
  return vec3f(
    bilinear(0u, format.width, format.height, at),
    bilinear(format.u_offset, format.chroma_width, format.chroma_height, coarse),
    bilinear(format.v_offset, format.chroma_width, format.chroma_height, coarse),
  );
}

/// 0…1, and beyond where no colour is like that.
fn rgb_of(yuv: vec3f) -> vec3f {
  let light = (yuv.x - format.black) / format.luma;
  let red = light + 2.0 * (1.0 - format.kr) * (yuv.z - 128.0) / format.chroma;
  let blue = light + 2.0 * (1.0 - format.kb) * (yuv.y - 128.0) / format.chroma;
  return vec3f(red, (light - format.kr * red - format.kb * blue) / format.kg, blue);
}

/// Red, green, blue and 255 of a pixel, a byte each.
fn colour_word(at: vec2u) -> u32 {
  let rgb = rgb_of(yuv_at(vec2f(at))) * 255.0;
  return rounded(rgb.r) | (rounded(rgb.g) << 8u) | (rounded(rgb.b) << 16u) | 0xff000000u;
}

fn yuv_of(rgb: vec3f) -> vec3f {
  let light = dot(rgb, vec3f(format.kr, format.kg, format.kb));
  return vec3f(
    format.black + format.luma * light,
    128.0 + format.chroma * (rgb.b - light) / (2.0 * (1.0 - format.kb)),
    128.0 + format.chroma * (rgb.r - light) / (2.0 * (1.0 - format.kr)),
  );
}
