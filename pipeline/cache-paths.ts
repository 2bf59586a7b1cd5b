/** Where downloaded, built and written things lie; see cache-paths.mjs, which the package-free set-up shares. */
export {
  cacheDir,
  dataDir,
  mediasoupVersion,
  mediasoupWorkerBin,
  modelsDir,
  picoLingwareDir,
  repositoryRoot,
  softwareVulkanDriver,
} from './cache-paths.mjs';
