// Gains that make patches look like the picture around them: nine numbers a stream, as pipeline/face/pixels/colour-match.ts says.

@group(0) @binding(11) var<storage, read_write> gains: array<f32>;

/// Dark pixels say little about gain.
const FLOOR = 6.0;
