import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { inRepository } from './paths.mjs';

/**
 * Runs cli/main.ts in this process: TypeScript is stripped by tsx, the current folder stays the caller's, and signals
 * and exit codes need no passing on. Processes forked from here understand TypeScript too.
 * @param {string[]} args
 */
export async function launch(args) {
  const main = inRepository('cli/main.ts');
  if (!existsSync(main)) {
    process.stderr.write('livedub: cli/main.ts is missing from this checkout\n');
    process.exitCode = 1;
    return;
  }
  const tsx = (file) => pathToFileURL(inRepository('node_modules/tsx/dist', file)).href;
  const { register } = await import(tsx('esm/api/index.mjs'));
  // Named, because tsx would otherwise read a tsconfig.json of the folder in which the user happens to be.
  const tsconfig = inRepository('tsconfig.json');
  process.env.TSX_TSCONFIG_PATH ??= tsconfig;
  register({ tsconfig });
  process.execArgv.push('--import', tsx('loader.mjs'));
  process.argv = [process.argv[0], main, ...args];
  await import(pathToFileURL(main).href);
}
