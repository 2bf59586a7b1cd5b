import type { Command } from 'commander';
import { dataDir } from '../../pipeline/cache-paths.ts';
import { LivedubError } from '../../pipeline/errors.ts';
import { NewTokenSchema } from '../../server/live/contract.ts';
import { Tokens } from '../../server/live/tokens.ts';

export interface TokenOptions {
  /** `publish`, `watch`, `manage`; several separated by commas or spaces. */
  readonly scope: string;
  /** A channel's id, or `*` for all. */
  readonly channel: string;
  /** A number and s, m, h or d. */
  readonly expires: string;
  /** Default: that of the server. */
  readonly dataDir?: string;
  /** Default: LIVEDUB_SECRET of the environment. */
  readonly secret?: string;
  /** Where the token goes. Default: standard output. */
  readonly write?: (text: string) => void;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `livedub token`: makes a bearer token for the server that works on the same data folder. */
export function registerToken(program: Command): void {
  program
    .command('token')
    .description('make a bearer token to publish to, watch or manage a live channel')
    .requiredOption('--scope <scopes>', 'publish, watch or manage; several separated by commas')
    .requiredOption('--channel <id>', 'id of the channel, or * for all')
    .option('--expires <time>', 'how long it is good, e.g. 30m, 12h or 7d', '12h')
    .action((options: TokenOptions) => printToken(options));
}

/** @throws LivedubError LIVEDUB_E_USAGE, LIVEDUB_E_OUTPUT_NOT_WRITABLE */
export async function printToken(options: TokenOptions): Promise<void> {
  const write = options.write ?? ((text) => process.stdout.write(text));
  const order = NewTokenSchema.safeParse({
    scope: options.scope.split(/[\s,]+/).filter((word) => word !== ''),
    channel: options.channel,
    expiresInSeconds: secondsOf(options.expires),
  });
  if (!order.success) {
    const { path, message } = order.error.issues[0]!;
    const option = path[0] === 'expiresInSeconds' ? 'expires' : String(path[0]);
    throw usage(`--${option}: ${message}`);
  }
  const tokens = await Tokens.open({
    dataDir: options.dataDir ?? dataDir(),
    secret: options.secret ?? process.env.LIVEDUB_SECRET,
  });
  const { token } = await tokens.issue(order.data);
  write(`${token}\n`);
}

function secondsOf(time: string): number {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(time.trim()) ?? [];
  if (count === undefined || unit === undefined) {
    throw usage(`--expires: ${time} is not a time such as 30m, 12h or 7d`);
  }
  return Number(count) * UNIT_SECONDS[unit]!;
}

function usage(message: string): LivedubError {
  return new LivedubError('LIVEDUB_E_USAGE', message, {
    remedy: 'For example: livedub token --scope publish --channel my-show --expires 12h',
  });
}
