import { describe, expect, it } from 'vitest';
import { lateness } from './face-path.ts';

describe('compute latency', () => {
  it('is what a picture takes beyond those it has to wait for', () => {
    const pushed = [0, 40, 80, 120, 160, 200];
    // Two pictures of look-ahead and 10 ms of computing; the third one takes 50 ms, so that another was pushed meanwhile.
    const done = [90, 130, 210, 212];
    expect(lateness(pushed, done, [3, 4, 6, 6])).toEqual({ pictures: 2, eachMs: [10, 10, 50, 12] });
  });
});
