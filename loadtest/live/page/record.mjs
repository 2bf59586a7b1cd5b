/** Recordings of tracks as a viewer's own browser makes them, by name. */
const recordings = new Map();

/** Records a track with the browser's encoder (Opus in WebM) from now on. */
export function record(name, track) {
  const stream = new MediaStream([track]);
  // Sound that came over the network flows only while something plays it.
  const player = new Audio();
  player.srcObject = stream;
  player.muted = true;
  void player.play();
  const recorder = new MediaRecorder(stream, { mimeType: 'audio/webm;codecs=opus' });
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const stopped = new Promise((resolve) => {
    recorder.onstop = resolve;
  });
  recorder.start(1000);
  recordings.set(name, { recorder, parts, stopped, player });
}

/** Ends a recording. @returns the file in base64 */
export async function endRecording(name) {
  const { recorder, parts, stopped, player } = recordings.get(name);
  recordings.delete(name);
  recorder.stop();
  await stopped;
  player.srcObject = null;
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x8000)
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
