import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { dataDir, repositoryRoot } from '../../pipeline/cache-paths.ts';
import { LivedubError } from '../../pipeline/errors.ts';
import { LanguageSchema } from '../../server/contract.ts';
import { isNativeHttp } from '../../server/http/http-server.ts';
import { isLoopbackHost } from '../../server/http/origin-guard.ts';
import type { NewDub } from '../../server/jobs/dub-service.ts';
import type { IceServer } from '../../server/live/live-api.ts';
import { LivedubServer } from '../../server/livedub-server.ts';
import { check } from '../../server/problem.ts';
import { wantsDubNotice } from '../dub-notice-setting.ts';
import { fetchRecommended } from '../fetch-recommended.ts';
import { SAMPLE_TITLE, sampleKey } from '../sample/script.ts';
import { shutdownSignal } from '../shutdown.ts';
import { spawnLiveWorker, spawnWorker } from '../spawn-worker.ts';

const OptionsSchema = z.object({
  to: z.array(LanguageSchema).min(1).max(16),
  from: z.union([LanguageSchema, z.literal('auto')]),
  mode: z.enum(['synced', 'interpret']),
  bed: z.enum(['duck', 'none']),
});
type Options = z.infer<typeof OptionsSchema>;

const EnvironmentSchema = z.object({
  LIVEDUB_HOST: z.string().min(1).default('127.0.0.1'),
  LIVEDUB_PORT: z.coerce.number('must be a number').int().min(0).max(65_535).default(8080),
  LIVEDUB_RTC_PORT: z.coerce.number('must be a number').int().min(0).max(65_535).default(0),
  LIVEDUB_INGEST_PORT: z.coerce.number('must be a number').int().min(0).max(65_000).default(0),
  LIVEDUB_ANNOUNCED_ADDRESS: z.string().min(1).optional(),
  LIVEDUB_ICE_SERVERS: z
    .string()
    .default('[]')
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue('is not JSON');
        return z.NEVER;
      }
    })
    .pipe(
      z.array(
        z.object({
          urls: z.array(z.string().regex(/^(stun|turn)s?:/, 'is no stun: or turn: address')).min(1),
          username: z.string().optional(),
          credential: z.string().optional(),
        }),
      ),
    ),
  LIVEDUB_SPARE_WORKER: z.enum(['0', '1']).default('1'),
  LIVEDUB_SECRET: z.string().optional(),
  LIVEDUB_TRUST_PROXY: z.enum(['0', '1']).default('0'),
});

/** `livedub serve [input]`: the server, with a dubbed sample (or the given file) to look at. */
export function registerServe(program: Command): void {
  program
    .command('serve')
    .description('start the server and show a first dub on its page')
    .argument('[input]', 'a media file to dub; without one, livedub makes a sample clip')
    .option('--to <languages>', 'languages to dub into, e.g. es,fr', 'es,fr')
    .option('--from <language>', 'language spoken, or auto', 'auto')
    .option('--mode <mode>', 'synced or interpret', 'synced')
    .option('--bed <bed>', 'original sound under the dub: duck or none', 'duck')
    .action(async (input: string | undefined, raw: Record<string, string>) => {
      const to = [...new Set((raw.to ?? '').split(',').map((one) => one.trim()))];
      await serve(input, check(OptionsSchema, { ...raw, to }, 'option'));
    });
}

async function serve(input: string | undefined, options: Options): Promise<void> {
  const signal = shutdownSignal();
  const environment = check(EnvironmentSchema, process.env, 'environment');
  const request = input === undefined ? sampleRequest(options) : fileRequest(input, options);
  const say = (line: string) => process.stdout.write(`${line}\n`);

  if (!isNativeHttp()) {
    say(
      `uWebSockets.js has no native part for Node ${process.versions.node}: its slow stand-in serves the page.`,
    );
  }
  const { buildClient, clientDist } = await import('../../client/build.mjs');
  await buildClient({ log: say });
  if (signal.aborted) return;

  const server = await LivedubServer.start({
    dataDir: dataDir(),
    clientDir: clientDist,
    version: versionOf(),
    spawnWorker,
    spawnLiveWorker,
    webRtc: {
      port: environment.LIVEDUB_RTC_PORT,
      ...(environment.LIVEDUB_ANNOUNCED_ADDRESS === undefined
        ? {}
        : { announcedAddress: environment.LIVEDUB_ANNOUNCED_ADDRESS }),
    },
    ingestPort: environment.LIVEDUB_INGEST_PORT,
    iceServers: environment.LIVEDUB_ICE_SERVERS as IceServer[],
    dubNotice: wantsDubNotice(),
    spareWorker: environment.LIVEDUB_SPARE_WORKER === '1',
    secret: environment.LIVEDUB_SECRET,
    trustProxy: environment.LIVEDUB_TRUST_PROXY === '1',
    host: environment.LIVEDUB_HOST,
    port: environment.LIVEDUB_PORT,
    onNotice: say,
  });
  try {
    const first = await server.dubOnce(request);
    const host = environment.LIVEDUB_HOST === '127.0.0.1' ? 'localhost' : environment.LIVEDUB_HOST;
    const base = `http://${host}:${server.port}`;
    say(`livedub is at ${base}  (Ctrl-C stops it)`);
    say(`go live from ${base}/desk${await deskToken(server, environment.LIVEDUB_HOST)}`);
    if (first.state !== 'done') {
      say(`${first.title}: being dubbed into ${first.to.join(', ')}; the page shows how far it is.`);
      const stop = server.dubs.onChange((dub) => {
        if (dub.id !== first.id || dub.state === 'running' || dub.state === 'queued') return;
        stop();
        if (dub.state === 'done') say(`${dub.title}: done, with ${dub.tracks.length} tracks.`);
        else if (dub.error && !signal.aborted) {
          say(`error ${dub.error.code}: ${dub.error.message}\n  → ${dub.error.remedy}`);
        }
      });
    }
    void fetchRecommended({ signal, say });
    if (!signal.aborted) {
      // At once: the media worker ends at the same signal, and who uses it is not to take that for a crash.
      await new Promise<void>((resolve) =>
        signal.addEventListener('abort', () => resolve(server.close()), { once: true }),
      );
    }
  } finally {
    await server.close();
  }
}

/** Who reaches a server that others can reach too has to show that it is the operator's desk. */
async function deskToken(server: LivedubServer, host: string): Promise<string> {
  if (isLoopbackHost(host)) return '';
  const { token } = await server.tokens.issue({
    scope: ['manage'],
    channel: '*',
    expiresInSeconds: 30 * 86_400,
  });
  return `#token=${token}`;
}

function sampleRequest(options: Options): NewDub {
  return {
    ...options,
    from: 'en',
    title: SAMPLE_TITLE,
    key: keyOf([sampleKey(), options, wantsDubNotice()]),
  };
}

/** @throws LivedubError LIVEDUB_E_INPUT_NOT_FOUND, LIVEDUB_E_INPUT_IS_DIRECTORY, LIVEDUB_E_INPUT_EMPTY */
function fileRequest(input: string, options: Options): NewDub {
  const path = resolve(input);
  if (!existsSync(path)) throw new LivedubError('LIVEDUB_E_INPUT_NOT_FOUND', `There is no file ${input}.`);
  const info = statSync(path);
  if (info.isDirectory()) throw new LivedubError('LIVEDUB_E_INPUT_IS_DIRECTORY', `${input} is a folder.`);
  if (info.size === 0) throw new LivedubError('LIVEDUB_E_INPUT_EMPTY', `${input} is empty.`);
  const inputPath = realpathSync(path);
  return {
    ...options,
    title: basename(path),
    inputPath,
    key: keyOf([inputPath, info.size, info.mtimeMs, options, wantsDubNotice()]),
  };
}

/** The same words and figures give the same key. */
function keyOf(parts: unknown): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

function versionOf(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8'));
  return z.object({ version: z.string() }).parse(manifest).version;
}
