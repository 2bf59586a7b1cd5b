// Patch over picture, then what lies between the lips. One invocation a pixel.

@group(0) @binding(9) var<storage, read_write> drawn: array<vec4f>;
@group(0) @binding(10) var<storage, read> laid: array<vec4f>;

@compute @workgroup_size(16, 16)
fn finish(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= job.width || id.y >= job.height) {
    return;
  }
  let at = id.y * job.width + id.x;
  var colour = drawn[at];
  if (job.has_patch == 1u) {
    colour = blended(colour, laid[at], id.xy);
  }
  drawn[at] = with_seam(with_cavity(colour, id.xy), id.xy);
}
