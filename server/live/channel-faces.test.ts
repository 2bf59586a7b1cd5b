import { beforeEach, describe, expect, it } from 'vitest';
import type { FaceGuard } from '../../pipeline/ports/reanimator.ts';
import { ChannelFaces, type FaceReport } from './channel-faces.ts';
import {
  type ChannelSettings,
  ChannelSettingsSchema,
  type Notice,
  type RenditionControl,
} from './contract.ts';
import { DemandBook } from './demand.ts';
import type { DubLink } from './dub-link.ts';
import type { FaceWish } from './face-tracks.ts';
import type { Programme } from './programme.ts';
import type { ToLiveWorker } from './worker-messages.ts';

describe('ChannelFaces', () => {
  let settings: ChannelSettings;
  let faces: ChannelFaces;
  let control: RenditionControl;
  let demand: DemandBook;
  let hasVideo: boolean;
  let sent: ToLiveWorker[];
  let wishes: Map<string, FaceWish>;
  let opened: readonly string[] | undefined;
  let notices: Omit<Notice, 'kind'>[];
  let changes: number;
  const viewer = {};

  beforeEach(() => {
    const languages = [{ language: 'es', face: true }, { language: 'fr' }];
    settings = ChannelSettingsSchema.parse({ title: 'News', from: 'en', languages, faceConsent: true });
    hasVideo = true;
    control = 'on';
    [sent, wishes, opened, notices, changes] = [[], new Map(), undefined, [], 0];
    demand = new DemandBook((language) => faces.demandChanged(language));
    const programme = {
      get hasVideo() {
        return hasVideo;
      },
      tracks: new Map([['live:video', { id: 'picture' }]]),
      wishFace: (language: string, wish: FaceWish) => wishes.set(language, wish),
      openFaces: async (languages: readonly string[]) => {
        opened = languages;
      },
    } as unknown as Programme;
    const link = {
      send: (message: ToLiveWorker) => sent.push(message),
      pictureChanged: () => undefined,
    } as unknown as DubLink;
    faces = new ChannelFaces({
      ...{ channelId: 'news', settings: () => settings, control: () => control, demand },
      programme: () => programme,
      link: () => link,
      onNotice: (notice) => notices.push(notice),
      onChange: () => {
        changes += 1;
      },
    });
  });

  const change = async (changed: Partial<ChannelSettings>) => {
    const before = settings;
    settings = { ...settings, ...changed };
    await faces.settingsChanged(before);
  };
  const watch = (language: string) =>
    demand.set(viewer, [
      { language, what: 'mix:synced' },
      { language, what: 'face' },
    ]);
  const report = (change: Partial<FaceReport> = {}): void =>
    faces.receive({
      ...{ kind: 'face', channelId: 'news', language: 'es', state: 'active', strength: 1 },
      ...{ guards: {}, fps: 25, computeMs: 12, ...change },
    });
  const guarded = (guard: FaceGuard, count: number) => report({ strength: 0, guards: { [guard]: count } });
  const shown = () => faces.view('es', true);

  it('asks for faces only where they are on, agreed to, and watched', async () => {
    watch('es');
    expect(sent).toMatchObject([{ kind: 'demand', language: 'es', demand: { face: true } }]);
    expect(wishes.get('es')).toEqual({ isWatched: true, isUsable: true });
    watch('fr');
    expect(sent.slice(1)).toMatchObject([{ demand: { face: false } }, { demand: { face: false } }]);
    expect(wishes.get('fr')).toEqual({ isWatched: true, isUsable: false });
    expect(faces.order).toEqual({ consent: true });
    expect(faces.picture).toBe('picture');
  });

  it('stops at once when consent is taken back, and goes on when it is given', async () => {
    watch('es');
    sent.length = 0;
    await change({ faceConsent: false });
    expect(sent[0]).toEqual({ kind: 'faces', channelId: 'news', consent: false });
    expect(sent).toContainEqual(expect.objectContaining({ kind: 'demand', language: 'es' }));
    expect(faces.demandOf('es').face).toBe(false);
    expect(wishes.get('es')).toEqual({ isWatched: true, isUsable: false });
    expect(shown()).toEqual({ state: 'no-consent' });
    await change({ faceConsent: true });
    expect(sent).toContainEqual({ kind: 'faces', channelId: 'news', consent: true });
    expect(wishes.get('es')?.isUsable).toBe(true);
  });

  it('are as filmed while the dub is not heard', () => {
    watch('es');
    report();
    for (control of ['mute', 'stop'] as const) {
      faces.demandChanged('es');
      expect(faces.demandOf('es').face).toBe(false);
      expect(wishes.get('es')).toEqual({ isWatched: true, isUsable: false });
      expect(shown()).toEqual({ state: 'idle' });
    }
    control = 'on';
    faces.demandChanged('es');
    expect(wishes.get('es')?.isUsable).toBe(true);
  });

  it('needs no picture in the worker while every switch is off, and makes tracks as they are switched on', async () => {
    const off = settings.languages.map((one) => ({ ...one, face: false }));
    await change({ languages: off });
    expect([faces.order, faces.picture, opened]).toEqual([undefined, undefined, []]);
    opened = undefined;
    await change({ title: 'Newer', languages: off.map((one) => ({ ...one, voice: 'v' })) });
    expect(opened).toBeUndefined();
    await change({ languages: off.map((one) => ({ ...one, face: true })) });
    expect(opened).toEqual(['es', 'fr']);
  });

  it('shows what becomes of a face, and why it stays as filmed', () => {
    expect(shown()).toEqual({ state: 'idle' });
    expect(faces.view('fr', true)).toEqual({ state: 'off' });
    hasVideo = false;
    expect(shown()).toEqual({ state: 'no-picture' });
    hasVideo = true;
    watch('es');
    expect(shown()).toEqual({ state: 'starting' });
    report({ state: 'starting', strength: 0 });
    expect(shown()).toEqual({ state: 'starting' });
    report();
    expect(shown()).toEqual({ state: 'active', strength: 1 });
    report({ strength: 0.2, guards: { profile: 14, occluded: 6 } });
    expect(shown()).toEqual({ state: 'original', guard: 'profile', strength: 0.2 });
    expect(faces.view('es', false)).toEqual({ state: 'starting' });
  });

  it('takes a second without speech for no change, and tells only changes', () => {
    watch('es');
    guarded('no-face', 25);
    changes = 0;
    report({ strength: 0 });
    guarded('no-face', 24);
    expect(shown()).toMatchObject({ state: 'original', guard: 'no-face' });
    expect(changes).toBe(0);
    report();
    expect(changes).toBe(1);
  });

  it('shows faces as filmed while the machine cannot keep up, and says so once each way', () => {
    watch('es');
    report();
    report({ state: 'overloaded', strength: 0 });
    report({ state: 'overloaded', strength: 0 });
    expect(wishes.get('es')?.isUsable).toBe(false);
    expect(shown()).toEqual({ state: 'overloaded' });
    report({ state: 'starting', strength: 0 });
    report();
    report();
    expect(wishes.get('es')?.isUsable).toBe(true);
    expect(notices.map(({ code, language }) => [code, language])).toEqual([
      ['face-overloaded', 'es'],
      ['face-back', 'es'],
    ]);
  });
});
