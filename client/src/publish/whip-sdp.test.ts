import { describe, expect, it } from 'vitest';
import { iceFragment, iceServersOf, withIce, withStartBitrate } from './whip-sdp.ts';

const OFFER = [
  'v=0',
  'o=- 1 2 IN IP4 127.0.0.1',
  's=-',
  'a=group:BUNDLE 0 1',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=ice-ufrag:new1',
  'a=ice-pwd:secret',
  'a=mid:0',
  'a=sendonly',
  'm=video 9 UDP/TLS/RTP/SAVPF 96',
  'a=ice-ufrag:new1',
  'a=ice-pwd:secret',
  'a=mid:1',
  '',
].join('\r\n');

describe('a restart of ICE', () => {
  it('carries the name and password of the first section only', () => {
    expect(iceFragment(OFFER).trim().split('\r\n')).toEqual([
      'a=group:BUNDLE 0 1',
      'm=audio 9 UDP/TLS/RTP/SAVPF 111',
      'a=ice-ufrag:new1',
      'a=ice-pwd:secret',
      'a=mid:0',
    ]);
  });

  it('puts what the server answers into the answer that there was', () => {
    const answer =
      'm=audio 1\r\na=ice-ufrag:old\r\na=ice-pwd:old\r\na=candidate:1 a\r\na=end-of-candidates\r\na=mid:0\r\n';
    const renewed = withIce(answer, 'a=ice-ufrag:n\r\na=ice-pwd:p\r\na=candidate:2 b\r\n');
    expect(renewed).toBe('m=audio 1\r\na=ice-ufrag:n\r\na=ice-pwd:p\r\na=candidate:2 b\r\na=mid:0\r\n');
    expect(withIce(answer, 'a=ice-ufrag:n\r\na=ice-pwd:p')).toContain('a=candidate:1 a');
    expect(() => withIce(answer, 'nothing')).toThrow('no ICE name');
  });
});

describe('the first bitrate', () => {
  it('is hinted at for the first codec of the picture', () => {
    const answer =
      'm=audio 9 X 111\r\na=rtpmap:111 opus/48000/2\r\nm=video 9 X 96 97\r\na=rtpmap:96 VP8/90000\r\n';
    expect(withStartBitrate(answer, 1_500_000)).toContain(
      'a=rtpmap:96 VP8/90000\r\na=fmtp:96 x-google-start-bitrate=1500\r\n',
    );
    expect(withStartBitrate(`${answer}a=fmtp:96 a=1\r\n`, 1e6)).toContain(
      'a=fmtp:96 a=1;x-google-start-bitrate=1000\r\n',
    );
    const refused = 'm=video 0 X 96\r\na=rtpmap:96 VP8/90000\r\n';
    expect(withStartBitrate(refused, 1e6)).toBe(refused);
  });
});

describe('ICE servers of a Link header', () => {
  it('are read with their names and passwords; other links are passed over', () => {
    expect(
      iceServersOf(
        '<stun:a.example>; rel="ice-server", <turn:b.example?transport=udp>; rel="ice-server"; username="u"; credential="c", <x>; rel="next"',
      ),
    ).toEqual([
      { urls: 'stun:a.example' },
      { urls: 'turn:b.example?transport=udp', username: 'u', credential: 'c' },
    ]);
    expect(iceServersOf(null)).toEqual([]);
  });
});
