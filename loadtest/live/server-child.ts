import { spawnLiveWorker, spawnWorker } from '../../cli/spawn-worker.ts';
import { LivedubServer } from '../../server/livedub-server.ts';

/** Entry of the process that live-server.ts starts: the whole server, on a free port, with its data in a given folder. */
const [dataDir, clientDir] = process.argv.slice(2);
const server = await LivedubServer.start({
  dataDir: dataDir!,
  clientDir: clientDir!,
  version: 'bench',
  spawnWorker,
  spawnLiveWorker,
  port: 0,
  onNotice: (line) => process.stderr.write(`server: ${line}\n`),
});
process.send?.({ port: server.port });
const stop = () => {
  void server.close().then(() => process.exit(0));
};
process.on('SIGTERM', stop);
process.on('disconnect', stop);
