import { describe, expect, it } from 'vitest';
import { ChannelRecordSchema } from './channel-store.ts';
import { ChannelPatchSchema, TrackKeySchema, ViewerRequestSchema } from './contract.ts';

describe('the live contract', () => {
  it('reads channels that were stored before faces could speak: nobody has agreed to it', () => {
    const record = ChannelRecordSchema.parse({
      ...{ id: 'news', createdAt: '2026-01-01T00:00:00.000Z', streamKey: 'k'.repeat(24) },
      settings: { title: 'News', from: 'en', languages: [{ language: 'es', voice: 'v' }], delayMs: 6000 },
    });
    expect(record.settings.faceConsent).toBe(false);
    expect(record.settings.languages).toEqual([{ language: 'es', voice: 'v', face: false }]);
  });

  it('leaves alone what a patch does not name', () => {
    const languages = [{ language: 'es' }];
    expect(ChannelPatchSchema.parse({ languages })).toEqual({ languages });
    expect(ChannelPatchSchema.parse({ title: 'x' })).toEqual({ title: 'x' });
    expect(ChannelPatchSchema.safeParse({ faceConsent: null }).success).toBe(false);
  });

  it('knows a picture of its own for each language in synced mode', () => {
    expect(TrackKeySchema.safeParse('face:es:synced').success).toBe(true);
    for (const key of ['face:es:interpret', 'face:es', 'face:video', 'faces:es:synced'])
      expect(TrackKeySchema.safeParse(key).success).toBe(false);
  });

  it('shows faces that speak to players that do not ask', () => {
    const select = {
      kind: 'select',
      request: 1,
      language: 'es',
      mode: 'synced',
      captions: null,
      video: true,
    };
    expect(ViewerRequestSchema.parse(select)).toMatchObject({ face: true, premixed: false });
    expect(ViewerRequestSchema.parse({ ...select, face: false })).toMatchObject({ face: false });
  });
});
