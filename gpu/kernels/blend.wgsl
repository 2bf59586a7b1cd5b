// Lays a patch over the picture: blendPatch of pipeline/face/pixels/colour-match.ts is the reference.

/// @param under colour, and 1 where something was drawn
/// @param over colour, and alpha
fn blended(under: vec4f, over: vec4f, at: vec2u) -> vec4f {
  if (over.a <= 0.004) {
    return under;
  }
  let share = over.a * over.a * (3.0 - 2.0 * over.a) * job.opacity;
  let u = f32(at.x) / f32(job.width) - 0.5;
  let v = f32(at.y) / f32(job.height) - 0.5;
  var gain = vec3f(0.0);
  for (var c = 0u; c < 3u; c += 1u) {
    let first = job.stream * 9u + c * 3u;
    gain[c] = gains[first] + gains[first + 1u] * u + gains[first + 2u] * v;
  }
  let value = clamp((over.rgb + FLOOR) * exp(gain) - FLOOR, vec3f(0.0), vec3f(255.0));
  return vec4f(mix(under.rgb, value, share), 1.0);
}
