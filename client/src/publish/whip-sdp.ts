/** The parts of SDP and HTTP that a WHIP client handles itself (RFC 9725, RFC 8840). */

/** The ICE part of an offer: what a PATCH carries to restart ICE. */
export function iceFragment(offerSdp: string): string {
  const lines: string[] = [];
  let sections = 0;
  for (const line of offerSdp.split(/\r?\n/)) {
    if (line.startsWith('m=')) sections += 1;
    const session = sections === 0 && /^a=(group:BUNDLE|ice-options:|ice-lite)/.test(line);
    // Bundled: one section stands for all.
    const first = sections === 1 && /^(m=|a=(mid:|ice-ufrag:|ice-pwd:|ice-options:|candidate:))/.test(line);
    if (session || first) lines.push(line);
  }
  return `${lines.join('\r\n')}\r\n`;
}

/** The answer as it was, with the ICE name, password and candidates of the server's answer to a restart. */
export function withIce(answerSdp: string, fragment: string): string {
  const lines = fragment.split(/\r?\n/);
  const ufrag = lines.find((line) => line.startsWith('a=ice-ufrag:'));
  const password = lines.find((line) => line.startsWith('a=ice-pwd:'));
  if (!ufrag || !password) throw new Error('the answer to the restart has no ICE name or password');
  const candidates = lines.filter((line) => line.startsWith('a=candidate:'));
  const out: string[] = [];
  for (const line of answerSdp.split(/\r?\n/)) {
    if (line.startsWith('a=candidate:') && candidates.length > 0) continue;
    if (line === 'a=end-of-candidates' && candidates.length > 0) continue;
    if (line.startsWith('a=ice-ufrag:')) out.push(ufrag);
    else if (line.startsWith('a=ice-pwd:')) out.push(password, ...candidates);
    else out.push(line);
  }
  return out.join('\r\n');
}

/**
 * The answer with a hint for Chrome's bandwidth estimate, which else begins so low that the first half minute is blurred.
 * Other browsers pass over it.
 */
export function withStartBitrate(answerSdp: string, bitrateBps: number): string {
  const video = /^m=video (?!0 )\d+ \S+ (\d+)/m.exec(answerSdp);
  if (!video) return answerSdp;
  const hint = `x-google-start-bitrate=${Math.round(bitrateBps / 1000)}`;
  const payloadType = video[1];
  const existing = new RegExp(`^a=fmtp:${payloadType} .+$`, 'm');
  if (existing.test(answerSdp)) return answerSdp.replace(existing, (line) => `${line};${hint}`);
  return answerSdp.replace(
    new RegExp(`^a=rtpmap:${payloadType} .+$`, 'm'),
    (line) => `${line}\r\na=fmtp:${payloadType} ${hint}`,
  );
}

/** ICE servers from `Link: <turn:host>; rel="ice-server"; username="…"; credential="…"`. */
export function iceServersOf(link: string | null): RTCIceServer[] {
  if (!link) return [];
  return [...link.matchAll(/<([^>]+)>([^<]*)/g)].flatMap(([, urls = '', rest = '']) => {
    if (!/;\s*rel="?ice-server"?/i.test(rest)) return [];
    const parameter = (name: string) => new RegExp(`;\\s*${name}="([^"]*)"`, 'i').exec(rest)?.[1];
    const username = parameter('username');
    const credential = parameter('credential');
    return [{ urls, ...(username ? { username } : {}), ...(credential ? { credential } : {}) }];
  });
}
