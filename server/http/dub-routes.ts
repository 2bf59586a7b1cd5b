import { z } from 'zod';
import { LivedubError } from '../../pipeline/errors.ts';
import { DubIdSchema, type HealthView, type ServerEvent } from '../contract.ts';
import type { DubService } from '../jobs/dub-service.ts';
import type { DubStore } from '../jobs/dub-store.ts';
import { check } from '../problem.ts';
import type { Exchange } from './exchange.ts';
import type { Route } from './route.ts';
import { sendFile } from './send-file.ts';
import type { SocketRoute } from './socket-route.ts';

export interface DubRoutesOptions {
  dubs: DubService;
  store: DubStore;
  health: () => HealthView;
}

const TrackSchema = z.string().regex(/^(original|[a-z]{2,3})$/, 'is not `original` or a language code');
const CaptionFileSchema = z.string().regex(/^[a-z]{2,3}\.(vtt|srt)$/, 'is not LANGUAGE.vtt or LANGUAGE.srt');

/** Dubs of files, and the server's health. */
export function dubRoutes(api: DubRoutesOptions): readonly Route[] {
  const idOf = (exchange: Exchange) => check(DubIdSchema, exchange.param('id'), 'id');
  const missing = (what: string) => new LivedubError('LIVEDUB_E_NOT_FOUND', what);
  const get = (pattern: string, handle: Route['handle']): Route => ({
    method: 'get',
    pattern,
    handle,
  });

  return [
    get('/v1/health', async (exchange) => exchange.json(api.health())),
    get('/v1/dubs', async (exchange) => exchange.json({ dubs: api.dubs.list() })),
    get('/v1/dubs/:id', async (exchange) => exchange.json(api.dubs.get(idOf(exchange)))),
    {
      method: 'delete',
      pattern: '/v1/dubs/:id',
      handle: async (exchange) => exchange.json(api.dubs.cancel(idOf(exchange)), 202),
    },
    get('/v1/dubs/:id/media/:track', async (exchange) => {
      const id = idOf(exchange);
      const wanted = check(TrackSchema, exchange.param('track'), 'track');
      const track = api.dubs.resultOf(id).tracks.find((one) => one.id === wanted);
      if (!track) throw missing(`This dub has no track ${wanted}.`);
      await sendFile(exchange, { file: await api.store.fileOf(id, track.file) });
    }),
    get('/v1/dubs/:id/captions/:file', async (exchange) => {
      const id = idOf(exchange);
      const name = check(CaptionFileSchema, exchange.param('file'), 'captions');
      const [language = '', format] = name.split('.');
      const captions = api.dubs.resultOf(id).captions.find((one) => one.language === language);
      if (!captions) throw missing(`This dub has no captions in ${language}.`);
      const file = await api.store.fileOf(id, format === 'srt' ? captions.srt : captions.vtt);
      await sendFile(exchange, { file });
    }),
    get('/v1/dubs/:id/report', async (exchange) => {
      const id = idOf(exchange);
      await sendFile(exchange, { file: await api.store.fileOf(id, api.dubs.resultOf(id).reportFile) });
    }),
    get('/v1/dubs/:id/download', async (exchange) => {
      const id = idOf(exchange);
      const file = await api.store.fileOf(id, api.dubs.resultOf(id).outFile);
      const title = api.dubs
        .get(id)
        .title.replace(/\.[^.]*$/, '')
        .replace(/[\p{C}/\\]+/gu, '_');
      await sendFile(exchange, { file, downloadName: `${title} (AI dub).mp4` });
    }),
  ];
}

/** /v1/events: everything there is, then every change; a slow client gets the latest state of each dub only. */
export function dubEvents(dubs: DubService): SocketRoute {
  return {
    pattern: '/v1/events',
    open: (socket) => {
      socket.send({ kind: 'dubs', dubs: dubs.list() } satisfies ServerEvent);
      const stop = dubs.onChange((dub) =>
        socket.sendLatest(dub.id, { kind: 'dub', dub } satisfies ServerEvent),
      );
      return { onClose: stop };
    },
  };
}
