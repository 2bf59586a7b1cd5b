import type { Problem } from '../../../server/contract.ts';

/** What the server, or the browser, refused: with a stable code, and what a person can do about it. */
export class LiveProblem extends Error {
  override readonly name = 'LiveProblem';
  readonly code: string;
  readonly remedy: string;
  /** HTTP status, 0 where there was no answer. */
  readonly status: number;

  constructor(problem: Problem, status = 0) {
    super(problem.message);
    this.code = problem.code;
    this.remedy = problem.remedy;
    this.status = status;
  }
}

/** Any thrown thing as a problem that can be shown. */
export function asProblem(thrown: unknown): LiveProblem {
  if (thrown instanceof LiveProblem) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new LiveProblem({ code: 'LIVEDUB_E_CLIENT', message, remedy: 'Try again.' });
}

/** The problem that an HTTP answer tells of, whatever its body is. */
export async function problemOfResponse(response: Response): Promise<LiveProblem> {
  const body: unknown = await response.json().catch(() => undefined);
  return new LiveProblem(problemOf(body, response.status), response.status);
}

/** The problem that the body of an HTTP answer tells of, whatever it is. */
export function problemOf(body: unknown, status: number): Problem {
  const found = (body as { error?: unknown } | undefined)?.error ?? body;
  const { code, message, remedy } = (found ?? {}) as Partial<Problem>;
  return {
    code: code ?? `HTTP_${status}`,
    message: message ?? `The server answered ${status}.`,
    remedy: remedy ?? '',
  };
}
