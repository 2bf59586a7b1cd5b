let controller: AbortController | undefined;

/**
 * Aborts at the first SIGINT, SIGTERM or SIGHUP: commands stop cleanly when it does. The second one ends the process
 * at once.
 */
export function shutdownSignal(): AbortSignal {
  if (controller) return controller.signal;
  const made = new AbortController();
  controller = made;
  for (const [name, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(name, () => {
      if (made.signal.aborted) process.exit(code);
      made.abort();
    });
  }
  return made.signal;
}
