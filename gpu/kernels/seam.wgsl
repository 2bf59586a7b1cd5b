// Closes lips over what an open patch shows between them: closeSeam of pipeline/face/pixels/seam.ts is the reference.

const LIKE_LIP = 12.0;
const SHADOW = 0.2;
const DARK_REACH = vec2f(0.35, 0.6);

fn with_seam(before: vec4f, at: vec2u) -> vec4f {
  let place = vec2i(at);
  if (job.seam_weight <= 0.0 || any(place < job.seam_bounds.xy) || any(place > job.seam_bounds.zw)) {
    return before;
  }
  let here = vec2f(f32(job.x + at.x), f32(job.y + at.y));
  var squared = 1e30;
  var along = 0.0;
  var below = false;
  for (var i = 0u; i < 10u; i += 1u) {
    let start = mesh[SEAM + i];
    let step = mesh[SEAM + i + 1u] - start;
    let t = clamp(dot(here - start, step) / (dot(step, step) + 1e-6), 0.0, 1.0);
    let off = here - start - t * step;
    let distance = dot(off, off);
    if (distance < squared) {
      squared = distance;
      along = (f32(i) + t) / 5.0 - 1.0;
      below = step.x * off.y - step.y * off.x > 0.0;
    }
  }
  let distance = sqrt(squared);
  let end = 1.0 - smooth_between(0.8, 1.0, abs(along));
  let share = job.seam_weight * (1.0 - smooth_between(0.5 * job.seam_reach, job.seam_reach, distance)) * end;
  if (distance > job.seam_reach || share <= 0.0) {
    return before;
  }
  let lower = 0.5 + 0.5 * min(1.0, distance / (0.25 * job.seam_reach)) * select(-1.0, 1.0, below);
  let dim = distance / job.seam_shadow;
  let shade = 1.0 - SHADOW * exp(-dim * dim) * end;
  let lip = mix(job.upper_lip.rgb, job.lower_lip.rgb, lower);
  let wanted = select(lip, before.rgb, abs(before.rgb - lip) < vec3f(LIKE_LIP)) * shade;
  let paler = dot(before.rgb - lip, vec3f(1.0));
  let reach = DARK_REACH * job.seam_reach;
  let dark = select(1.0 - smooth_between(reach.x, reach.y, distance), 1.0, paler > 0.0);
  return vec4f(mix(before.rgb, wanted, share * dark), 1.0);
}
