// The inside of a mouth that opens wider than any that was seen: drawCavity of pipeline/face/pixels/cavity.ts is the reference.

const UPPER_INNER_LIP = array<u32, 11>(78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308);
const LOWER_INNER_LIP = array<u32, 11>(78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308);
const TEETH_OPACITY = 0.42;

fn with_cavity(before: vec4f, at: vec2u) -> vec4f {
  var colour = before;
  if (job.cavity_weight <= 0.0) {
    return colour;
  }
  var upper_lip = UPPER_INNER_LIP;
  var lower_lip = LOWER_INNER_LIP;
  let origin = vec2f(f32(job.x), f32(job.y));
  let x = f32(at.x);
  let y = f32(at.y);
  for (var i = 0u; i < 10u; i += 1u) {
    let a = mesh[TARGET + upper_lip[i]] - origin;
    let b = mesh[TARGET + upper_lip[i + 1u]] - origin;
    let c = mesh[TARGET + lower_lip[i]] - origin;
    let d = mesh[TARGET + lower_lip[i + 1u]] - origin;
    let left = min(min(a.x, b.x), min(c.x, d.x));
    let right = max(max(a.x, b.x), max(c.x, d.x));
    let upper = height_at(x, a, b);
    let lower = height_at(x, c, d);
    if (x < left || x > right || lower - upper < 0.5 || y < upper || y > lower) {
      continue;
    }
    let along = (f32(i) + clamp((x - a.x) / span(b.x - a.x), 0.0, 1.0)) / 5.0 - 1.0;
    let inside = inside_colour(along, (y - upper) / (lower - upper));
    colour = vec4f(mix(colour.rgb, inside, job.cavity_weight), 1.0);
  }
  return colour;
}

/// @param along from corner to corner, −1…1
/// @param down from the upper lip to the lower, 0…1
fn inside_colour(along: f32, down: f32) -> vec3f {
  let side = abs(along);
  let depth = down * job.gap * (1.0 - along * along * 0.8);
  let tongue_share = smooth_between(0.62, 0.95, down) * (1.0 - smooth_between(0.4, 0.75, side)) * 0.7
    * smooth_between(5.0, 10.0, job.gap);
  let teeth_share = (1.0 - smooth_between(job.teeth_reach * 0.75, job.teeth_reach * 1.1, depth))
    * smooth_between(-0.05, 0.12, down) * (1.0 - smooth_between(0.45, 0.8, side)) * smooth_between(2.0, 5.0, job.gap)
    * TEETH_OPACITY * (0.82 + 0.18 * abs(cos(along * 8.0)));
  let edge = smooth_between(0.0, 0.18, down) * smooth_between(0.0, 0.15, 1.0 - down);
  let soft = mix(job.dark.rgb, job.tongue.rgb, tongue_share);
  let tooth = job.teeth.rgb * (0.75 + 0.15 * edge) * (1.0 - 0.35 * side);
  return mix(soft, tooth, teeth_share);
}

fn height_at(x: f32, a: vec2f, b: vec2f) -> f32 {
  return a.y + clamp((x - a.x) / span(b.x - a.x), 0.0, 1.0) * (b.y - a.y);
}

fn span(width: f32) -> f32 {
  return select(width, 1.0, width == 0.0);
}
