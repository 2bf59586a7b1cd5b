// One clock for all pages, the server and the bench: wall time, ms since the Unix epoch, on the monotonic clock.

/** Wall time minus `performance.now()`, ms, read where `Date.now()` steps. */
const offsetMs = calibrate();

/** @param {number} [performanceMs] a time of `performance.now()`; default now */
export function wallMs(performanceMs = performance.now()) {
  return performanceMs + offsetMs;
}

function calibrate() {
  let best = Number.NEGATIVE_INFINITY;
  for (let round = 0; round < 5; round += 1) {
    const before = Date.now();
    while (Date.now() === before);
    // Whatever comes between the two readings makes the difference too small.
    best = Math.max(best, Date.now() - performance.now());
  }
  return best;
}
