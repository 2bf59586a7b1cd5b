import { CascadeEnd } from './cascade.ts';
import { createProcessCascadePort } from './cascade-port.ts';
import { SfuWorkerPool } from './worker-pool.ts';

/** The far end of the cascade test: a process of its own that counts what arrives and says so at the end. */
const pool = await SfuWorkerPool.start({ workerBin: process.argv[2]!, count: 1 });
const router = await pool.createRouter();
await CascadeEnd.create({
  router,
  port: createProcessCascadePort(process, 'test'),
  onProducer: async (producer) => {
    const tap = await router.createTap({ producerId: producer.id });
    process.send!({ tapped: producer.id });
    let packets = 0;
    for await (const _ of tap.packets()) packets += 1;
    process.send!({ packets });
    await pool.close();
    process.disconnect();
  },
});
