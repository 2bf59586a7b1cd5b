import { parse } from 'sdp-transform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WhipIngest } from './ingest-session.ts';
import type { SfuRouter } from './router.ts';
import { parseOffer } from './sdp-offer.ts';
import { workerBin } from './test-support.ts';
import { WhepSession } from './whep-session.ts';
import { SfuWorkerPool } from './worker-pool.ts';

const FINGERPRINT = `sha-256 ${Array.from({ length: 32 }, (_, i) => (i + 16).toString(16)).join(':')}`;

const TRANSPORT = [
  'a=ice-ufrag:abcd',
  'a=ice-pwd:0123456789abcdef01234567',
  `a=fingerprint:${FINGERPRINT}`,
  'a=setup:actpass',
];

const AUDIO = [
  'm=audio 9 UDP/TLS/RTP/SAVPF 109 9',
  'c=IN IP4 0.0.0.0',
  'a=mid:0',
  'a=sendonly',
  'a=rtcp-mux',
  'a=rtpmap:109 opus/48000/2',
  'a=rtpmap:9 G722/8000',
  'a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid',
  ...TRANSPORT,
];

const VIDEO = [
  'm=video 9 UDP/TLS/RTP/SAVPF 120 121 126 127',
  'c=IN IP4 0.0.0.0',
  'a=mid:1',
  'a=sendonly',
  'a=rtcp-mux',
  'a=rtpmap:120 VP9/90000',
  'a=rtpmap:121 H264/90000',
  'a=fmtp:121 packetization-mode=0;profile-level-id=42e01f',
  'a=rtpmap:126 H264/90000',
  'a=fmtp:126 packetization-mode=1;profile-level-id=42001f',
  'a=rtcp-fb:* nack pli',
  'a=rtpmap:127 rtx/90000',
  'a=fmtp:127 apt=126',
  'a=ssrc-group:FID 11 12',
  'a=ssrc:11 cname:somebody',
  'a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid',
  'a=extmap:13 urn:3gpp:video-orientation',
  ...TRANSPORT,
];

const DATA = [
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 0.0.0.0',
  'a=mid:2',
  ...TRANSPORT,
];

const sdp = (...sections: string[][]) =>
  [
    'v=0',
    'o=- 1 2 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    `a=group:BUNDLE ${sections.map((_, i) => i).join(' ')}`,
    ...sections.flat(),
    '',
  ].join('\r\n');
const without = (lines: string[], start: string) => lines.filter((line) => !line.startsWith(start));
const like = (lines: string[], from: string, to: string) => lines.map((line) => (line === from ? to : line));

describe('an SDP offer', () => {
  it.each([
    ['nothing', ''],
    ['JSON', '{"type":"offer"}'],
    ['no media', sdp()],
    ['too many sections', sdp(...Array.from({ length: 33 }, (_, i) => like(AUDIO, 'a=mid:0', `a=mid:${i}`)))],
    ['too much text', `${sdp(AUDIO)}${'a=x:y\r\n'.repeat(10_000)}`],
    ['no ICE credentials', sdp(without(AUDIO, 'a=ice-pwd'))],
    ['no fingerprint', sdp(without(AUDIO, 'a=fingerprint'))],
    ['a wrong fingerprint', sdp(like(AUDIO, `a=fingerprint:${FINGERPRINT}`, 'a=fingerprint:sha-256 AA:BB'))],
    ['an unknown hash', sdp(like(AUDIO, `a=fingerprint:${FINGERPRINT}`, 'a=fingerprint:md5 AA:BB'))],
    ['a wrong setup', sdp(like(AUDIO, 'a=setup:actpass', 'a=setup:holdconn'))],
    ['one mid twice', sdp(AUDIO, like(VIDEO, 'a=mid:1', 'a=mid:0'))],
  ])('is refused with %s', (_, text) => {
    expect(() => parseOffer(text)).toThrow(expect.objectContaining({ code: 'LIVEDUB_E_SDP_INVALID' }));
  });

  it('is read as far as it matters', () => {
    const [audio, video, data] = parseOffer(sdp(AUDIO, VIDEO, DATA)).media;
    expect(audio).toMatchObject({ kind: 'audio', mid: '0', isUsable: true, sends: true, receives: false });
    expect(audio!.codecs).toMatchObject([{ codec: 'opus', payloadType: 109 }]);
    expect(video!.codecs).toMatchObject([
      {
        codec: 'h264',
        payloadType: 126,
        rtxPayloadType: 127,
        rtcpFeedback: [{ type: 'nack', parameter: 'pli' }],
      },
    ]);
    expect(video).toMatchObject({ ssrc: 11, rtxSsrc: 12, cname: 'somebody' });
    expect(data).toMatchObject({ kind: 'other', codecs: [] });
  });
});

describe.skipIf(workerBin === undefined)('SDP sessions', () => {
  let pool: SfuWorkerPool;
  let router: SfuRouter;
  beforeAll(async () => {
    pool = await SfuWorkerPool.start({ workerBin: workerBin!, count: 1, webRtc: {} });
    router = await pool.createRouter();
  });
  afterAll(() => pool?.close());

  it('answer with the offered numbers, and close the sections that are not taken', async () => {
    const more = like(like(VIDEO, 'a=mid:1', 'a=mid:3'), 'a=ssrc-group:FID 11 12', 'a=ssrc-group:FID 21 22');
    const ingest = await WhipIngest.create({ router, offer: sdp(AUDIO, VIDEO, DATA, more) });
    const answer = parse(ingest.answer);
    expect(answer.media.map(({ type, port }) => [type, port > 0])).toEqual([
      ['audio', true],
      ['video', true],
      ['application', false],
      ['video', false],
    ]);
    expect(answer.groups).toEqual([{ type: 'BUNDLE', mids: '0 1' }]);
    expect(answer.icelite).toBe('ice-lite');
    const [audio, video] = answer.media;
    expect(audio).toMatchObject({ payloads: 109, direction: 'recvonly', setup: 'passive' });
    expect(video).toMatchObject({ payloads: '126 127', direction: 'recvonly' });
    expect(video!.fmtp[0]!.config).toContain('profile-level-id=42001f');
    expect(video!.ext).toEqual([{ value: 3, uri: 'urn:ietf:params:rtp-hdrext:sdes:mid' }]);
    expect(audio!.candidates!.map(({ transport }) => transport)).toEqual(['udp', 'tcp']);
    expect(ingest.video!.producer.rtpParameters.encodings).toMatchObject([{ ssrc: 11, rtx: { ssrc: 12 } }]);
    expect(ingest.video!.h264ProfileLevelId).toBe('42e01f');
    ingest.close();
    ingest.close();
    expect(ingest.connectionState).toBe('closed');
  });

  it('are the DTLS client of a publisher that insists on being the server', async () => {
    const passive = (lines: string[]) => like(lines, 'a=setup:actpass', 'a=setup:passive');
    const ingest = await WhipIngest.create({ router, offer: sdp(passive(AUDIO), passive(VIDEO)) });
    expect(parse(ingest.answer).media[0]!.setup).toBe('active');
    ingest.close();
  });

  it.each([
    ['no codec that is carried', sdp(like(AUDIO, 'a=rtpmap:109 opus/48000/2', 'a=rtpmap:109 speex/16000'))],
    ['nothing sent', sdp(like(AUDIO, 'a=sendonly', 'a=recvonly'))],
    ['no rtcp-mux', sdp(without(AUDIO, 'a=rtcp-mux'))],
    ['RTP without DTLS', sdp(AUDIO.map((line) => line.replace('UDP/TLS/RTP/SAVPF', 'RTP/AVP')))],
    ['a data channel only', sdp(like(DATA, 'a=mid:2', 'a=mid:0'))],
    ['layers by RID only', sdp([...like(VIDEO, 'a=mid:1', 'a=mid:0'), 'a=rid:h send', 'a=simulcast:send h'])],
    ['tracks that nothing tells apart', sdp(without(AUDIO, 'a=extmap'))],
  ])('refuse a publisher with %s', async (_, offer) => {
    await expect(WhipIngest.create({ router, offer })).rejects.toMatchObject({
      code: 'LIVEDUB_E_SDP_UNSUPPORTED',
    });
  });

  it('refuse pictures of another codec than the channel has, and take the sound', async () => {
    const ingest = await WhipIngest.create({ router, offer: sdp(AUDIO, VIDEO), requireVideoCodec: 'vp8' });
    expect(ingest.audio).toBeDefined();
    expect(ingest.video).toBeUndefined();
    ingest.close();
  });

  it('give up on a peer that does not come', async () => {
    const states: string[] = [];
    const ingest = await WhipIngest.create({
      router,
      offer: sdp(AUDIO),
      connectTimeoutMs: 50,
      onConnectionState: (state) => states.push(state),
    });
    await expect.poll(() => ingest.connectionState).toBe('failed');
    expect(states).toEqual(['failed']);
    await expect(ingest.patch('a=ice-ufrag:x\r\na=ice-pwd:y\r\n')).rejects.toMatchObject({
      code: 'LIVEDUB_E_CLOSED',
    });
  });

  it('take candidates without a word, answer a restart, and refuse what is neither', async () => {
    const ingest = await WhipIngest.create({ router, offer: sdp(AUDIO) });
    const head =
      'a=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdef01234567\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n';
    const candidate = 'a=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\na=end-of-candidates\r\n';
    expect(await ingest.patch(head + candidate)).toBeUndefined();
    expect(await ingest.patch(`m=audio 9 RTP/AVP 0\r\na=mid:0\r\n${candidate}`)).toBeUndefined();
    const ufrag = ingest.iceUfrag;
    const answer = await ingest.patch(head.replace('abcd', 'efgh'));
    expect(ingest.iceUfrag).not.toBe(ufrag);
    expect(answer).toContain(`a=ice-ufrag:${ingest.iceUfrag}\r\n`);
    expect(answer).toContain('a=candidate:');
    expect(answer).not.toMatch(/^[vost]=/m);
    for (const text of [
      '',
      'hello',
      'a=ice-ufrag:zzzz\r\n',
      'a=mid:0\r\n',
      `${candidate}a=${'x'.repeat(20_000)}`,
    ])
      await expect(ingest.patch(text)).rejects.toMatchObject({ code: 'LIVEDUB_E_SDP_INVALID' });
    ingest.close();
  });

  it('serve a player what it can take, and refuse one that can take nothing', async () => {
    const audio = (await router.createFeed({ codec: 'opus', cname: 'programme' })).producer;
    const video = (await router.createFeed({ codec: 'vp8', cname: 'programme' })).producer;
    const plays = (lines: string[]) => like(lines, 'a=sendonly', 'a=recvonly');
    const offer = sdp(plays(AUDIO), plays(VIDEO));
    const session = await WhepSession.create({ router, offer, producers: { audio, video }, streamId: 'one' });
    expect(session.kinds).toEqual(['audio']);
    const [sound, picture] = parse(session.answer).media;
    expect(sound).toMatchObject({ payloads: 109, direction: 'sendonly' });
    expect(sound!.msid![0]!.id).toBe('one');
    expect(sound!.ssrcs!.find(({ attribute }) => attribute === 'cname')!.value).toBe('programme');
    expect(picture!.port).toBe(0);
    await expect(WhepSession.create({ router, offer, producers: { video } })).rejects.toMatchObject({
      code: 'LIVEDUB_E_SDP_UNSUPPORTED',
    });
    // Its only track ends.
    audio.close();
    await expect.poll(() => session.connectionState).toBe('closed');
  });

  it('need addresses, a free port, and one that can be told to browsers', async () => {
    const bare = await SfuWorkerPool.start({ workerBin: workerBin!, count: 1 });
    const other = await bare.createRouter();
    await expect(WhipIngest.create({ router: other, offer: sdp(AUDIO) })).rejects.toMatchObject({
      code: 'LIVEDUB_E_USAGE',
    });
    await bare.close();
    const wildcard = { workerBin: workerBin!, count: 1, webRtc: { listenIp: '0.0.0.0' } };
    await expect(SfuWorkerPool.start(wildcard)).rejects.toMatchObject({ code: 'LIVEDUB_E_USAGE' });
    const ingest = await WhipIngest.create({ router, offer: sdp(AUDIO) });
    const { port } = parse(ingest.answer).media[0]!;
    ingest.close();
    await expect(
      SfuWorkerPool.start({ workerBin: workerBin!, count: 1, webRtc: { port } }),
    ).rejects.toMatchObject({ code: 'LIVEDUB_E_PORT_IN_USE' });
  });
});
