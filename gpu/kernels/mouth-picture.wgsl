// The job's part of the picture as colours, and no triangle anywhere yet.

@group(0) @binding(4) var<storage, read_write> filmed: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> triangle_ids: array<u32>;

@compute @workgroup_size(16, 16)
fn film(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= job.width || id.y >= job.height) {
    return;
  }
  let at = id.y * job.width + id.x;
  let rgb = rgb_of(yuv_at(vec2f(f32(job.x + id.x), f32(job.y + id.y))));
  filmed[at] = vec4f(rgb * 255.0, 0.0);
  let area = job.width * job.height;
  triangle_ids[at] = 0u;
  triangle_ids[area + at] = 0u;
  triangle_ids[2u * area + at] = 0u;
}
