import type { Command } from 'commander';
import { dataDir } from '../../pipeline/cache-paths.ts';
import { MarkKeys } from '../../server/marks/mark-keys.ts';

export interface KeysOptions {
  /** Default: that of the server. */
  readonly dataDir?: string;
  /** Default: the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: standard output. */
  readonly write?: (text: string) => void;
}

/** `livedub keys`: ids and issuers of the keys that watermarks are made with; secrets are never shown. */
export function registerKeys(program: Command): void {
  const keys = program.command('keys').description('list or rotate the keys that watermarks are made with');
  keys
    .command('list')
    .description('ids and issuers, newest first; the newest one marks')
    .action(() => listKeys());
  keys
    .command('rotate')
    .description('mark with a new key from the next start on; the old ones still find what they marked')
    .action(() => rotateKeys());
}

/** @throws LivedubError LIVEDUB_E_MARK_KEY, LIVEDUB_E_OUTPUT_NOT_WRITABLE */
export async function listKeys(options: KeysOptions = {}): Promise<void> {
  print(await open(options), options);
}

/** @throws LivedubError as listKeys, LIVEDUB_E_CONFLICT */
export async function rotateKeys(options: KeysOptions = {}): Promise<void> {
  print(await (await open(options)).rotate(), options);
}

function open(options: KeysOptions): Promise<MarkKeys> {
  return MarkKeys.open({
    dataDir: options.dataDir ?? dataDir(),
    ...(options.env ? { env: options.env } : {}),
    onNotice: (line) => process.stderr.write(`note: ${line}\n`),
  });
}

function print({ all }: MarkKeys, options: KeysOptions): void {
  const write = options.write ?? ((text) => process.stdout.write(text));
  all.forEach(({ keyId, issuer }, place) => {
    write(
      `key ${String(keyId).padStart(3)}  ${issuer}  ${place === 0 ? 'marks and finds' : 'finds what it marked'}\n`,
    );
  });
}
