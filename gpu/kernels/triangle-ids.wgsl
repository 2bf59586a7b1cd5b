// Which triangle each pixel lies in: where several do, the last. A workgroup looks at the pixels around one triangle.

@group(0) @binding(5) var<storage, read_write> triangle_ids: array<atomic<u32>>;

const INVOCATIONS = 64u;

@compute @workgroup_size(64)
fn number_pixels(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let layer = group.y;
  if (group.x >= job.triangles[layer]) {
    return;
  }
  let corners = corners_of(layer, group.x);
  if (layer == 0u && (!moves(corners) || is_hidden(corners))) {
    return;
  }
  let t = triangle_at(corners);
  if (abs(t.area) < 1e-6) {
    return;
  }
  let last_pixel = vec2f(f32(job.width), f32(job.height)) - 1.0;
  let first = max(vec2f(0.0), ceil(min(t.a, min(t.b, t.c)) - 1e-3));
  let last = min(last_pixel, floor(max(t.a, max(t.b, t.c)) + 1e-3));
  if (any(last < first)) {
    return;
  }
  let size = vec2u(last - first) + 1u;
  for (var i = index; i < size.x * size.y; i += INVOCATIONS) {
    let at = vec2u(first) + vec2u(i % size.x, i / size.x);
    if (all(weights_at(t, vec2f(at)) >= vec3f(-1e-4))) {
      atomicMax(&triangle_ids[(layer * job.height + at.y) * job.width + at.x], group.x + 1u);
    }
  }
}

fn moves(corners: vec3u) -> bool {
  var most = 0.0;
  for (var i = 0u; i < 3u; i += 1u) {
    let by = abs(mesh[TARGET + corners[i]] - mesh[SOURCE + corners[i]]);
    most = max(most, max(by.x, by.y));
  }
  return most >= job.min_move;
}

/// Whether the patch covers it wholly.
fn is_hidden(corners: vec3u) -> bool {
  if (job.has_patch == 0u || job.opacity != 1.0 || any(corners >= vec3u(FACE_POINTS))) {
    return false;
  }
  return mesh[ALPHA + corners.x].x == 1.0 && mesh[ALPHA + corners.y].x == 1.0 && mesh[ALPHA + corners.z].x == 1.0;
}
