import { wallMs } from './wall.mjs';

const events = [];

/** Keeps what the desk of a channel is told from now on, with the wall time of its arrival. */
export async function openDesk(channelId) {
  const socket = new WebSocket(`ws://${location.host}/v1/channels/${channelId}/desk`);
  socket.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (event.kind !== 'channel' && event.kind !== 'hypothesis') events.push({ atMs: wallMs(), event });
  };
  await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }));
}

export function deskEvents() {
  return events;
}
