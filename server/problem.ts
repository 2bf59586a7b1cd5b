import type { z } from 'zod';
import { ERRORS, type ErrorCode, LivedubError, toLivedubError } from '../pipeline/errors.ts';
import type { Problem } from './contract.ts';

/** What a person or a program is told of an error: no cause, no stack. */
export function problemOf(thrown: unknown): Problem {
  const { code, message, remedy } = toLivedubError(thrown);
  return { code, message, remedy };
}

/** The error that a problem from another process stands for. */
export function errorFromProblem(problem: Problem): LivedubError {
  const code: ErrorCode = problem.code in ERRORS ? (problem.code as ErrorCode) : 'LIVEDUB_E_INTERNAL';
  return new LivedubError(code, problem.message, { remedy: problem.remedy });
}

/**
 * Checks what came from outside.
 * @throws LivedubError LIVEDUB_E_BAD_REQUEST naming the field
 */
export function check<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = [what, ...(issue?.path ?? [])].join('.');
  throw new LivedubError('LIVEDUB_E_BAD_REQUEST', `${field} ${issue?.message ?? 'is not valid'}`, {
    remedy: `Correct ${field}.`,
  });
}
