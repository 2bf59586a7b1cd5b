import { describe, expect, it } from 'vitest';
import type { TrackKey } from '../../../server/live/contract.ts';
import { ORIGINAL, sameSelection, selectedTracks } from './selection.ts';

describe('selectedTracks', () => {
  const es = { ...ORIGINAL, language: 'es', mode: 'synced' } as const;
  const faces = new Set<TrackKey>(['face:es:synced', 'delayed:video']);

  it('shows the picture whose lips follow the dub where there is one, in synced mode, unless not wanted', () => {
    expect(selectedTracks(es, faces).picture).toBe('face:es:synced');
    expect(selectedTracks(es, new Set()).picture).toBe('delayed:video');
    expect(selectedTracks({ ...es, face: false }, faces).picture).toBe('delayed:video');
    expect(selectedTracks({ ...es, mode: 'interpret' }, faces).picture).toBe('live:video');
    expect(selectedTracks({ ...es, language: null }, faces).picture).toBe('live:video');
    expect(selectedTracks({ ...es, language: 'fr' }, faces).picture).toBe('delayed:video');
  });

  it('tells choices of lips apart', () => {
    expect(sameSelection(es, { ...es, face: false })).toBe(false);
    expect(sameSelection(es, { ...es })).toBe(true);
  });
});
