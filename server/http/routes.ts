import { z } from 'zod';
import { LivedubError } from '../../pipeline/errors.ts';
import { DubIdSchema, type HealthView } from '../contract.ts';
import type { DubService } from '../jobs/dub-service.ts';
import type { DubStore } from '../jobs/dub-store.ts';
import { check } from '../problem.ts';
import type { Exchange } from './exchange.ts';
import { sendFile } from './send-file.ts';
import type { StaticFiles } from './static-files.ts';

export interface Api {
  dubs: DubService;
  store: DubStore;
  page: StaticFiles;
  health: () => HealthView;
}

export type Method = 'get' | 'delete';

export interface Route {
  readonly method: Method;
  readonly pattern: string;
  /** How many `:name` parts the pattern has. */
  readonly params: number;
  readonly handle: (exchange: Exchange) => Promise<void>;
}

const TrackSchema = z.string().regex(/^(original|[a-z]{2,3})$/, 'is not `original` or a language code');
const CaptionFileSchema = z.string().regex(/^[a-z]{2,3}\.(vtt|srt)$/, 'is not LANGUAGE.vtt or LANGUAGE.srt');

/** Every address of the REST interface and of the page. GET routes answer HEAD too. */
export function routesOf(api: Api): readonly Route[] {
  const idOf = (exchange: Exchange) => check(DubIdSchema, exchange.params[0], 'id');
  const missing = (what: string) => new LivedubError('LIVEDUB_E_NOT_FOUND', what);
  const get = (pattern: string, handle: Route['handle']): Route => ({
    method: 'get',
    pattern,
    params: pattern.split(':').length - 1,
    handle,
  });

  return [
    get('/v1/health', async (exchange) => exchange.json(api.health())),
    get('/v1/dubs', async (exchange) => exchange.json({ dubs: api.dubs.list() })),
    get('/v1/dubs/:id', async (exchange) => exchange.json(api.dubs.get(idOf(exchange)))),
    {
      method: 'delete',
      pattern: '/v1/dubs/:id',
      params: 1,
      handle: async (exchange) => exchange.json(api.dubs.cancel(idOf(exchange)), 202),
    },
    get('/v1/dubs/:id/media/:track', async (exchange) => {
      const id = idOf(exchange);
      const wanted = check(TrackSchema, exchange.params[1], 'track');
      const track = api.dubs.resultOf(id).tracks.find((one) => one.id === wanted);
      if (!track) throw missing(`This dub has no track ${wanted}.`);
      await sendFile(exchange, { file: await api.store.fileOf(id, track.file) });
    }),
    get('/v1/dubs/:id/captions/:file', async (exchange) => {
      const id = idOf(exchange);
      const name = check(CaptionFileSchema, exchange.params[1], 'captions');
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
    get('/*', (exchange) => api.page.send(exchange)),
  ];
}
