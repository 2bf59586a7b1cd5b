// The job's part of the picture as colours: toRgb of pipeline/face/pixels/colour-convert.ts is the reference. And no triangle
// anywhere yet.

/// Four bytes a pixel.
@group(0) @binding(4) var<storage, read_write> filmed: array<u32>;
@group(0) @binding(5) var<storage, read_write> triangle_ids: array<u32>;

@compute @workgroup_size(16, 16)
fn film(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= job.width || id.y >= job.height) {
    return;
  }
  let at = id.y * job.width + id.x;
  filmed[at] = colour_word(vec2u(job.x, job.y) + id.xy);
  let area = job.width * job.height;
  triangle_ids[at] = 0u;
  triangle_ids[area + at] = 0u;
  triangle_ids[2u * area + at] = 0u;
}
