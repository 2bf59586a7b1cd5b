// Draws meshes with the pixels that lie under their triangles elsewhere: warpMesh of pipeline/face/pixels/mesh-warp.ts is the
// reference. One invocation a pixel draws the picture's mesh and the patch's.

/// Four bytes a pixel, as those of patches.
@group(0) @binding(4) var<storage, read> filmed: array<u32>;
@group(0) @binding(5) var<storage, read> triangle_ids: array<u32>;
@group(0) @binding(7) var<storage, read> kept: array<u32>;
@group(0) @binding(8) var<storage, read> kept_before: array<u32>;
/// The fourth number is 1 where something was drawn.
@group(0) @binding(9) var<storage, read_write> drawn: array<vec4f>;
/// The fourth number is alpha.
@group(0) @binding(10) var<storage, read_write> laid: array<vec4f>;

const SHARPNESS = 0.35;

@compute @workgroup_size(16, 16)
fn warp(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= job.width || id.y >= job.height) {
    return;
  }
  let at = id.y * job.width + id.x;
  let area = job.width * job.height;
  let here = vec2f(id.xy);
  var under = vec4f(texel(0u, at), 0.0);
  var over = vec4f(0.0);
  for (var layer = 0u; layer < LAYERS; layer += 1u) {
    let triangle = triangle_ids[layer * area + at];
    if (triangle == 0u) {
      continue;
    }
    let colour = warped(layer, triangle - 1u, here);
    if (layer == 0u) {
      under = vec4f(colour.rgb, 1.0);
    } else if (layer == 1u) {
      over = colour;
    } else if (colour.a > 0.0) {
      over = vec4f((over.rgb + colour.rgb) / 2.0, over.a);
    }
  }
  drawn[at] = under;
  laid[at] = over;
}

/// Colour and alpha.
fn warped(layer: u32, triangle: u32, at: vec2f) -> vec4f {
  let corners = corners_of(layer, triangle);
  let w = weights_at(triangle_at(corners), at);
  let from_mesh = source_of(layer);
  let origin = part_of(layer).xy;
  let from_at = w.x * mesh[from_mesh + corners.x] + w.y * mesh[from_mesh + corners.y] + w.z * mesh[from_mesh + corners.z];
  let rgb = sampled(layer, from_at - vec2f(origin));
  if (layer == 0u) {
    return vec4f(rgb, 1.0);
  }
  return vec4f(rgb, w.x * mesh[ALPHA + corners.x].x + w.y * mesh[ALPHA + corners.y].x + w.z * mesh[ALPHA + corners.z].x);
}

fn part_of(layer: u32) -> vec4u {
  if (layer == 0u) {
    return vec4u(job.x, job.y, job.width, job.height);
  }
  if (layer == 1u) {
    return job.patch_rect;
  }
  return job.former_rect;
}

fn texel(layer: u32, at: u32) -> vec3f {
  var word = 0u;
  if (layer == 0u) {
    word = filmed[at];
  } else if (layer == 1u) {
    word = kept[at];
  } else {
    word = kept_before[at];
  }
  return unpack4x8unorm(word).rgb * 255.0;
}

/// Cubic, or bilinear at the edge of what there is.
fn sampled(layer: u32, wanted: vec2f) -> vec3f {
  let size = part_of(layer).zw;
  let at = clamp(wanted, vec2f(0.0), vec2f(size) - 1.001);
  let i = vec2u(at);
  let f = at - vec2f(i);
  let first = i.y * size.x + i.x;
  if (any(i == vec2u(0u)) || any(i + 2u >= size)) {
    let above = mix(texel(layer, first), texel(layer, first + 1u), f.x);
    let below = mix(texel(layer, first + size.x), texel(layer, first + size.x + 1u), f.x);
    return mix(above, below, f.y);
  }
  let across = cubic(f.x);
  let down = cubic(f.y);
  var sum = vec3f(0.0);
  for (var row = 0u; row < 4u; row += 1u) {
    let start = first + row * size.x - size.x - 1u;
    sum += down[row] * (across[0] * texel(layer, start) + across[1] * texel(layer, start + 1u)
      + across[2] * texel(layer, start + 2u) + across[3] * texel(layer, start + 3u));
  }
  return clamp(sum, vec3f(0.0), vec3f(255.0));
}

fn cubic(f: f32) -> vec4f {
  let f2 = f * f;
  let f3 = f2 * f;
  return vec4f(
    SHARPNESS * (-f3 + 2.0 * f2 - f),
    (2.0 - SHARPNESS) * f3 + (SHARPNESS - 3.0) * f2 + 1.0,
    (SHARPNESS - 2.0) * f3 + (3.0 - 2.0 * SHARPNESS) * f2 + SHARPNESS * f,
    SHARPNESS * (f3 - f2),
  );
}
