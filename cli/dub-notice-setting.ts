import { z } from 'zod';
import { check } from '../server/problem.ts';

const EnvironmentSchema = z.object({ LIVEDUB_DUB_NOTICE: z.enum(['on', 'off']).default('on') });

/**
 * Whether captions of a dub begin with a notice that AI made it: `LIVEDUB_DUB_NOTICE`, on by default.
 * @throws LivedubError LIVEDUB_E_BAD_REQUEST
 */
export function wantsDubNotice(environment: NodeJS.ProcessEnv = process.env): boolean {
  return check(EnvironmentSchema, environment, 'environment').LIVEDUB_DUB_NOTICE === 'on';
}
