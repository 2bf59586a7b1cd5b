import type { types } from 'mediasoup';
import { ABS_CAPTURE_TIME_URI, RTP_CLOCK_HZ, type RtpCodec } from '../pipeline/rtp/rtp-packet.ts';

const VIDEO_FEEDBACK: types.RtcpFeedback[] = [
  { type: 'nack' },
  { type: 'nack', parameter: 'pli' },
  { type: 'ccm', parameter: 'fir' },
  { type: 'goog-remb' },
  { type: 'transport-cc' },
];

export const MIME = { opus: 'audio/opus', vp8: 'video/VP8', h264: 'video/H264' } as const;

/** Chromium's own numbers, so that its WHEP offers fit as they are. */
const PAYLOAD_TYPE = { opus: 111, vp8: 96, h264: 102 } as const;

/** Constrained baseline (every browser), main and high (what files and hardware encoders have). */
const H264_PROFILES = ['42e01f', '4d001f', '640032'] as const;

/** What every router of the SFU carries. */
export const MEDIA_CODECS: types.RouterRtpCodecCapability[] = [
  {
    kind: 'audio',
    mimeType: 'audio/opus',
    clockRate: RTP_CLOCK_HZ.opus,
    preferredPayloadType: PAYLOAD_TYPE.opus,
    channels: 2,
    parameters: { useinbandfec: 1, stereo: 1, 'sprop-stereo': 1 },
    rtcpFeedback: [{ type: 'nack' }, { type: 'transport-cc' }],
  },
  {
    kind: 'video',
    mimeType: 'video/VP8',
    clockRate: RTP_CLOCK_HZ.vp8,
    preferredPayloadType: PAYLOAD_TYPE.vp8,
    rtcpFeedback: VIDEO_FEEDBACK,
  },
  ...H264_PROFILES.map(
    (profile): types.RouterRtpCodecCapability => ({
      kind: 'video',
      mimeType: 'video/H264',
      clockRate: RTP_CLOCK_HZ.h264,
      parameters: { 'packetization-mode': 1, 'profile-level-id': profile, 'level-asymmetry-allowed': 1 },
      rtcpFeedback: VIDEO_FEEDBACK,
    }),
  ),
];

/** Header extension id that feeds use for abs-capture-time. */
export const FEED_CAPTURE_TIME_ID = 10;

/**
 * The profile-level-id under which a router carries an H.264 stream: the plainest spelling of its profile, with its
 * level. Encoders that say plain baseline send constrained baseline in practice, which every browser takes.
 * @returns undefined for a profile that routers do not have (RFC 6184 §8.1, table 5)
 */
export function carriedProfileLevelId(profileLevelId: string): string | undefined {
  if (!/^[0-9a-f]{6}$/i.test(profileLevelId)) return undefined;
  const profile = profileLevelId.slice(0, 2).toLowerCase();
  const constraints = Number.parseInt(profileLevelId.slice(2, 4), 16);
  const level = profileLevelId.slice(4).toLowerCase();
  if (profile === '42' || (profile === '4d' && constraints >= 0x80)) return `42e0${level}`;
  if (profile === '4d') return `4d00${level}`;
  return profile === '64' && constraints === 0 ? `6400${level}` : undefined;
}

export interface FeedParametersOptions {
  readonly codec: RtpCodec;
  readonly ssrc: number;
  readonly cname: string;
  /** RFC 6184 profile-level-id of the stream. Default `42e01f`. */
  readonly h264ProfileLevelId?: string;
}

/**
 * RTP parameters of a track that code sends. No NACK and no bandwidth feedback: the way from code into the worker loses
 * nothing and cannot be told to slow down.
 */
export function feedParameters(options: FeedParametersOptions): types.RtpParameters {
  const { codec } = options;
  const parameters: Record<RtpCodec, Record<string, unknown>> = {
    opus: { useinbandfec: 1, stereo: 1, 'sprop-stereo': 1 },
    vp8: {},
    h264: {
      'packetization-mode': 1,
      'profile-level-id': carriedProfileLevelId(options.h264ProfileLevelId ?? '') ?? '42e01f',
      'level-asymmetry-allowed': 1,
    },
  };
  return {
    codecs: [
      {
        mimeType: MIME[codec],
        payloadType: PAYLOAD_TYPE[codec],
        clockRate: RTP_CLOCK_HZ[codec],
        ...(codec === 'opus' ? { channels: 2 } : undefined),
        parameters: parameters[codec],
        rtcpFeedback: codec === 'opus' ? [] : [{ type: 'nack', parameter: 'pli' }],
      },
    ],
    headerExtensions: [{ uri: ABS_CAPTURE_TIME_URI, id: FEED_CAPTURE_TIME_ID }],
    encodings: [{ ssrc: options.ssrc }],
    rtcp: { cname: options.cname, reducedSize: true },
  };
}

/**
 * What a tap asks of a router: every codec as it is, capture times, keyframe requests, and nothing that would make the
 * worker keep packets for retransmission or estimate bandwidth.
 */
export function tapCapabilities(router: types.RtpCapabilities): types.RtpCapabilities {
  return {
    codecs: (router.codecs ?? [])
      .filter((codec) => !codec.mimeType.toLowerCase().endsWith('/rtx'))
      .map((codec) => ({
        ...codec,
        rtcpFeedback: codec.kind === 'video' ? [{ type: 'nack', parameter: 'pli' }] : [],
      })),
    headerExtensions: (router.headerExtensions ?? []).filter((ext) => ext.uri === ABS_CAPTURE_TIME_URI),
  };
}

/** The pipeline's name of a track's codec, its payload type and the id of its capture times. */
export function describeTrack(parameters: types.RtpParameters): {
  codec: RtpCodec | undefined;
  payloadType: number;
  captureTimeId: number | undefined;
} {
  const first = parameters.codecs[0]!;
  const mime = first.mimeType.toLowerCase();
  const codec = (Object.keys(MIME) as RtpCodec[]).find((name) => MIME[name].toLowerCase() === mime);
  return {
    codec,
    payloadType: first.payloadType,
    captureTimeId: parameters.headerExtensions?.find((ext) => ext.uri === ABS_CAPTURE_TIME_URI)?.id,
  };
}
