// Writes what was drawn into the planes of the result: fromRgb of pipeline/face/pixels/colour-convert.ts is the reference. Bytes of
// which no pixel was drawn stay. One invocation a word, of those that hold the job's rows.

@group(0) @binding(9) var<storage, read> drawn: array<vec4f>;
@group(0) @binding(13) var<storage, read_write> result: array<u32>;

@compute @workgroup_size(64)
fn write_planes(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= job.words_before.z) {
    return;
  }
  var word = job.first_words.x + id.x;
  if (id.x >= job.words_before.y) {
    word = job.first_words.z + id.x - job.words_before.y;
  } else if (id.x >= job.words_before.x) {
    word = job.first_words.y + id.x - job.words_before.x;
  }
  var made = result[word];
  for (var i = 0u; i < 4u; i += 1u) {
    let place = place_of(4u * word + i);
    var value = -1;
    if (place.plane == 0u) {
      value = luma_of(place);
    } else if (place.plane < 3u) {
      value = chroma_of(place);
    }
    if (value >= 0) {
      made = (made & ~(255u << (8u * i))) | (u32(value) << (8u * i));
    }
  }
  result[word] = made;
}

/// −1 where nothing was drawn.
fn luma_of(place: Place) -> i32 {
  if (place.x < job.x || place.y < job.y || place.x >= job.x + job.width || place.y >= job.y + job.height) {
    return -1;
  }
  let pixel = drawn[(place.y - job.y) * job.width + place.x - job.x];
  if (pixel.a == 0.0) {
    return -1;
  }
  return i32(rounded(yuv_of(unit(pixel)).x));
}

fn chroma_of(place: Place) -> i32 {
  let corner = vec2u(2u * place.x, 2u * place.y);
  if (corner.x < job.x || corner.y < job.y || corner.x >= job.x + job.width || corner.y >= job.y + job.height) {
    return -1;
  }
  let from_x = corner.x - job.x;
  let from_y = corner.y - job.y;
  var sum = vec3f(0.0);
  var count = 0.0;
  var any_drawn = false;
  for (var y = from_y; y < min(from_y + 2u, job.height); y += 1u) {
    for (var x = from_x; x < min(from_x + 2u, job.width); x += 1u) {
      let pixel = drawn[y * job.width + x];
      sum += unit(pixel);
      count += 1.0;
      any_drawn = any_drawn || pixel.a > 0.0;
    }
  }
  if (!any_drawn) {
    return -1;
  }
  return i32(rounded(yuv_of(sum / count)[place.plane]));
}

fn unit(pixel: vec4f) -> vec3f {
  return clamp(pixel.rgb / 255.0, vec3f(0.0), vec3f(1.0));
}
