// First code of every engine thread. `--import tsx` registers its loader on the main thread only, so a thread has to do
// it for itself; this file is JavaScript because nothing can read TypeScript before that.
import { workerData } from 'node:worker_threads';
import { register } from 'tsx/esm/api';

register();
await import(workerData.entry);
