/** How often a plain log says that a long step is still going. */
const PLAIN_INTERVAL_MS = 15_000;
const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** True where a line may be redrawn in place: a terminal, and no CI. */
export function isInteractive(stream = process.stdout, env = process.env) {
  return Boolean(stream.isTTY) && !env.CI && env.TERM !== 'dumb';
}

/**
 * Writes set-up's progress: one live line on a terminal, plain lines elsewhere.
 * @param {{ stream?: NodeJS.WriteStream, interactive?: boolean, plainIntervalMs?: number }} [options]
 */
export function createProgress(options = {}) {
  const stream = options.stream ?? process.stdout;
  const interactive = options.interactive ?? isInteractive(stream);
  let step;

  const clear = () => interactive && stream.write('\r\x1b[K');
  const print = (line) => {
    clear();
    stream.write(`${line}\n`);
  };
  const draw = () => {
    if (!step) return;
    const seconds = Math.round((Date.now() - step.startedMs) / 1000);
    const head = `${SPINNER[step.frame++ % SPINNER.length]} ${step.title} (${seconds} s)`;
    const line = step.note ? `${head}: ${step.note}` : head;
    stream.write(`\r\x1b[K${line.slice(0, Math.max(20, (stream.columns ?? 80) - 1))}`);
  };
  const stopTimer = () => {
    clearInterval(step?.timer);
    step = undefined;
  };

  return {
    print,
    /** Opens a step that has work to do. */
    begin(title) {
      stopTimer();
      step = { title, startedMs: Date.now(), note: '', frame: 0, timer: undefined };
      const current = step;
      if (interactive) {
        step.timer = setInterval(draw, 120);
      } else {
        print(`… ${title}`);
        step.timer = setInterval(() => {
          const seconds = Math.round((Date.now() - current.startedMs) / 1000);
          print(`  ${title}: ${seconds} s${current.note ? `, ${current.note}` : ''}`);
        }, options.plainIntervalMs ?? PLAIN_INTERVAL_MS);
      }
    },
    /** What the step is doing right now, e.g. the last line of a compiler. */
    note(text) {
      if (step) step.note = text.replace(/\s+/g, ' ').trim();
    },
    /** Closes the step with one line that stays. */
    end(mark, text) {
      const seconds = step ? Math.round((Date.now() - step.startedMs) / 1000) : 0;
      stopTimer();
      print(`${mark} ${text}${seconds > 0 ? ` (${seconds} s)` : ''}`);
    },
    close() {
      if (step) clear();
      stopTimer();
    },
  };
}
