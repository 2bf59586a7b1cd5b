import { join } from 'node:path';
import type { Command } from 'commander';
import { MarkRegistryFile } from '../../db/mark-registry-file.ts';
import { dataDir } from '../../pipeline/cache-paths.ts';
import { MarkKeys } from '../../server/marks/mark-keys.ts';
import type { VerifyReport } from '../../server/verify/contract.ts';
import type { VerifyProgress } from '../../server/verify/verify-media.ts';
import { printError } from '../print-error.ts';
import { shutdownSignal } from '../shutdown.ts';
import { reportText } from './verify-text.ts';

export interface VerifyOptions {
  /** Path or http(s) address. */
  readonly input: string;
  readonly dataDir: string;
  readonly signal: AbortSignal;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

/** Of `livedub verify`; documented in its help. */
const EXIT = { ours: 0, notOurs: 1, failed: 2, stopped: 130 } as const;
const PROGRESS_EVERY_MS = 500;

/** `livedub verify FILE|URL`: was this dubbed here, and what is it? */
export function registerVerify(program: Command): void {
  program
    .command('verify')
    .description('say whether a clip was dubbed here: channel, language, minute')
    .argument('<input>', 'media file or http(s) address')
    .option('--json', 'print the report as JSON instead of text')
    .option('--data <folder>', 'data folder with keys and registry (default: that of the server)')
    .addHelpText('after', '\nExit code: 0 a watermark of this server was read, 1 it was not, 2 an error.')
    .action(async (input: string, { json, data }: { json?: boolean; data?: string }) => {
      const line = new ExaminingLine(process.stderr);
      try {
        const report = await verifyClip({
          input,
          dataDir: data ?? dataDir(),
          signal: shutdownSignal(),
          onProgress: (progress) => line.update(progress),
        });
        line.end();
        process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : reportText(report));
        process.exitCode = report.verdict === 'ours' ? EXIT.ours : EXIT.notOurs;
      } catch (error) {
        line.end();
        printError(error);
        process.exitCode = shutdownSignal().aborted ? EXIT.stopped : EXIT.failed;
      }
    });
}

/** The operator's report of one clip. @throws LivedubError as verifyMedia, LIVEDUB_E_MARK_KEY */
export async function verifyClip(options: VerifyOptions): Promise<VerifyReport> {
  const { verifyMedia } = await import('../../server/verify/verify-media.ts');
  const { dataDir: folder, env, ...rest } = options;
  const keys = await MarkKeys.open({ dataDir: folder, ...(env ? { env } : {}) });
  const registry = await MarkRegistryFile.open({ folder: join(folder, 'marks') });
  try {
    return await verifyMedia({ ...rest, keys: keys.all, registry });
  } finally {
    await registry.close();
  }
}

/** How far it is: one line that is written over, on a terminal only. */
class ExaminingLine {
  readonly #stream: NodeJS.WriteStream;
  #lastMs = Number.NEGATIVE_INFINITY;
  #isShown = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  update({ medium, track, examinedS, totalS }: VerifyProgress): void {
    const nowMs = performance.now();
    if (!this.#stream.isTTY || nowMs - this.#lastMs < PROGRESS_EVERY_MS) return;
    this.#lastMs = nowMs;
    this.#isShown = true;
    const what = medium === 'sound' ? `sound track ${track}` : 'picture';
    const of = totalS === undefined ? '' : ` of ${Math.round(totalS)}`;
    this.#stream.write(`\r\x1b[Kexamining ${what}: ${Math.round(examinedS)}${of} s`);
  }

  end(): void {
    if (this.#isShown) this.#stream.write('\r\x1b[K');
    this.#isShown = false;
  }
}
