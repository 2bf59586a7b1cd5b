import { wallMs } from './wall.mjs';

let events = [];
let socket;

/** Keeps everything that the desk of a channel is told, with the wall time of its arrival. */
export async function openDesk(channelId) {
  events = [];
  socket = new WebSocket(`ws://${location.host}/v1/channels/${channelId}/desk`);
  socket.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (event.kind !== 'channel' && event.kind !== 'hypothesis') events.push({ atMs: wallMs(), event });
  };
  await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }));
}

export function deskEvents() {
  return events;
}

export function closeDesk() {
  socket?.close();
}
