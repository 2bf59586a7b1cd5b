import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { cacheDir, repositoryRoot } from '../../pipeline/cache-paths.mjs';

export {
  cacheDir,
  mediasoupVersion,
  mediasoupWorkerBin,
  modelsDir,
  picoLingwareDir,
  softwareVulkanDriver,
  workerRecipeDir,
} from '../../pipeline/cache-paths.mjs';

/** A path inside the repository, whatever the current folder is. */
export const inRepository = (...parts) => join(repositoryRoot, ...parts);

/** What set-up remembers about itself. */
export const stampFile = (name) => join(cacheDir(), 'stamps', name);

/** Complete output of the programs that a step ran. */
export const logFile = (step) => join(cacheDir(), 'logs', `setup-${step}.log`);

/** One lock for the shared cache; another for this checkout's node_modules. */
export const cacheLock = () => join(cacheDir(), 'setup.lock');
export const checkoutLock = () => join(repositoryRoot, '.cache', 'npm.lock');

export const sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
};
