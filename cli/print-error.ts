import { toLivedubError } from '../pipeline/errors.ts';

/**
 * Tells a person of an error: what happened, with its code, and what to do. The stack is for who asks for it with
 * LIVEDUB_DEBUG=1.
 */
export function printError(thrown: unknown): void {
  const error = toLivedubError(thrown);
  const lines = [`error ${error.code}: ${error.message}`, `  → ${error.remedy}`];
  if (process.env.LIVEDUB_DEBUG === '1') lines.push(stackOf(thrown));
  process.stderr.write(`${lines.join('\n')}\n`);
}

function stackOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const cause = thrown.cause === undefined ? '' : `\ncaused by ${stackOf(thrown.cause)}`;
  return `${thrown.stack ?? thrown.message}${cause}`;
}
