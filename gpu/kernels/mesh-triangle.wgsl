// A triangle of a mesh: where it is to be, and weights of its corners there.

/// Three points a triangle.
@group(0) @binding(6) var<storage, read> triangles: array<u32>;

/// Three meshes are drawn: of the picture, of the patch, of the former patch.
const LAYERS = 3u;

fn corners_of(layer: u32, triangle: u32) -> vec3u {
  var at = triangle;
  for (var i = 0u; i < layer; i += 1u) {
    at += job.triangles[i];
  }
  return vec3u(triangles[3u * at], triangles[3u * at + 1u], triangles[3u * at + 2u]);
}

/// Where the mesh of a layer is cut from.
fn source_of(layer: u32) -> u32 {
  if (layer == 0u) {
    return SOURCE;
  }
  return select(FORMER, PATCH, layer == 1u);
}

struct Triangle {
  a: vec2f,
  b: vec2f,
  c: vec2f,
  /// Twice its area; near 0 where it is none.
  area: f32,
}

/// In pixels of the raster.
fn triangle_at(corners: vec3u) -> Triangle {
  let origin = vec2f(f32(job.x), f32(job.y));
  let a = mesh[TARGET + corners.x] - origin;
  let b = mesh[TARGET + corners.y] - origin;
  let c = mesh[TARGET + corners.z] - origin;
  return Triangle(a, b, c, (b.y - c.y) * (a.x - c.x) + (c.x - b.x) * (a.y - c.y));
}

/// All are at least 0 inside.
fn weights_at(t: Triangle, at: vec2f) -> vec3f {
  let d = at - t.c;
  let l = ((t.b.y - t.c.y) * d.x + (t.c.x - t.b.x) * d.y) / t.area;
  let m = ((t.c.y - t.a.y) * d.x + (t.a.x - t.c.x) * d.y) / t.area;
  return vec3f(l, m, 1.0 - l - m);
}
