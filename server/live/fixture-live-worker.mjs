// A live worker for tests of LiveWorkers: speaks the control messages, dubs nothing. LIVE_FIXTURE says how it behaves:
// `mute` never gets ready, `deaf` does not heed stop, `frail` dies when a channel is opened, `stillborn` dies at once.
const behaviour = (process.env.LIVE_FIXTURE ?? '').split(' ');
if (behaviour.includes('stillborn')) process.exit(3);

const prepared = [];
process.on('message', (message) => {
  if (message.kind === 'stop' && !behaviour.includes('deaf')) process.exit(0);
  if (message.kind === 'prepare') {
    prepared.push(message.engines.from);
    process.send({ kind: 'prepared' });
  }
  if (message.kind === 'open') {
    if (behaviour.includes('frail')) process.exit(4);
    const { channelId, session } = message.order;
    const error = { code: 'LIVEDUB_E_ENGINE_FAILED', message: `has ${prepared.join(' ')}`, remedy: '' };
    process.send({ kind: 'failed', channelId, session, error });
  }
});
process.on('disconnect', () => process.exit(0));
if (!behaviour.includes('mute')) process.send({ kind: 'ready' });
