import type { types } from 'mediasoup';
import { LivedubError } from '../pipeline/errors.ts';
import { RTP_CLOCK_HZ, type RtpCodec } from '../pipeline/rtp/rtp-packet.ts';
import { carriedProfileLevelId, MIME } from './codecs.ts';
import type { AcceptedMedia } from './sdp-answer.ts';
import { type OfferedCodec, type OfferedMedia, profileLevelIdOf, type SdpOffer } from './sdp-offer.ts';

/** One track that is taken from a publisher: what the router is told, and what the answer says. */
export interface IngestMedia {
  readonly kind: 'audio' | 'video';
  readonly codec: RtpCodec;
  readonly rtpParameters: types.RtpParameters;
  readonly accepted: AcceptedMedia;
}

const MID_URI = 'urn:ietf:params:rtp-hdrext:sdes:mid';
const TRANSPORT_CC_URI = 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';

/** What is of use on the way in; picture rotation is left out so that the sender rotates. */
const WANTED_URIS: ReadonlySet<string> = new Set([
  MID_URI,
  TRANSPORT_CC_URI,
  'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
  'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time',
]);

/**
 * Chooses the first sound and the first picture of an offer that can be taken, and for each the offerer's first codec
 * that livedub carries.
 * @throws LivedubError LIVEDUB_E_SDP_UNSUPPORTED when there is none
 */
export function acceptIngest(
  offer: SdpOffer,
  router: types.RtpCapabilities,
  requireVideoCodec?: 'vp8' | 'h264',
): IngestMedia[] {
  const taken: IngestMedia[] = [];
  for (const kind of ['audio', 'video'] as const) {
    for (const media of offer.media) {
      if (media.kind !== kind || !media.isUsable || !media.sends || media.isSimulcast) continue;
      const codec = media.codecs.find(
        (next) => kind === 'audio' || requireVideoCodec === undefined || next.codec === requireVideoCodec,
      );
      const accepted = codec === undefined ? undefined : accept(kind, media, codec, router);
      if (accepted === undefined) continue;
      taken.push(accepted);
      break;
    }
  }
  if (taken.length === 0) {
    throw new LivedubError(
      'LIVEDUB_E_SDP_UNSUPPORTED',
      'The offer sends nothing that can be taken: no Opus, VP8 or H.264 track, or not bundled with rtcp-mux.',
    );
  }
  return taken;
}

function accept(
  kind: 'audio' | 'video',
  media: OfferedMedia,
  codec: OfferedCodec,
  router: types.RtpCapabilities,
): IngestMedia | undefined {
  const headerExtensions = media.headerExtensions.filter(
    ({ uri }, i, all) => WANTED_URIS.has(uri) && all.findIndex((other) => other.uri === uri) === i,
  );
  const hasMid = headerExtensions.some(({ uri }) => uri === MID_URI) && media.mid !== undefined;
  // Without either, its packets cannot be told from the other track's.
  if (media.ssrc === undefined && !hasMid) return undefined;
  const { payloadType, rtxPayloadType } = codec;
  const mimeType = MIME[codec.codec];
  const clockRate = RTP_CLOCK_HZ[codec.codec];
  const rtcpFeedback = commonFeedback(
    codec.rtcpFeedback,
    router.codecs?.find((known) => known.mimeType === mimeType)?.rtcpFeedback ?? [],
    headerExtensions.some(({ uri }) => uri === TRANSPORT_CC_URI),
  );
  const rtx = rtxPayloadType === undefined ? undefined : { payloadType: rtxPayloadType };
  const rtpParameters: types.RtpParameters = {
    ...(hasMid ? { mid: media.mid! } : undefined),
    codecs: [
      {
        mimeType,
        payloadType,
        clockRate,
        ...(kind === 'audio' ? { channels: 2 } : undefined),
        parameters: carriedParameters(codec),
        rtcpFeedback,
      },
      ...(rtx === undefined
        ? []
        : [{ mimeType: 'video/rtx', ...rtx, clockRate, parameters: { apt: payloadType } }]),
    ],
    headerExtensions: headerExtensions.map((extension) => ({ ...extension })),
    encodings: [
      {
        ...(media.ssrc === undefined ? undefined : { ssrc: media.ssrc }),
        ...(media.rtxSsrc === undefined || rtx === undefined ? undefined : { rtx: { ssrc: media.rtxSsrc } }),
      },
    ],
    rtcp: { reducedSize: true, ...(media.cname === undefined ? undefined : { cname: media.cname }) },
  };
  return {
    kind,
    codec: codec.codec,
    rtpParameters,
    accepted: {
      offered: media,
      codec,
      useRtx: rtx !== undefined,
      parameters: answeredParameters(codec),
      rtcpFeedback,
      headerExtensions,
    },
  };
}

/** Feedback both know; of the two ways to estimate bandwidth, the better one. */
function commonFeedback(
  offered: readonly types.RtcpFeedback[],
  known: readonly types.RtcpFeedback[],
  hasTransportCc: boolean,
): types.RtcpFeedback[] {
  return offered.filter(
    ({ type, parameter }) =>
      known.some((other) => other.type === type && (other.parameter ?? '') === (parameter ?? '')) &&
      type !== (hasTransportCc ? 'goog-remb' : 'transport-cc'),
  );
}

/** What the router is told the track is. */
function carriedParameters(codec: OfferedCodec): Record<string, string | number> {
  if (codec.codec !== 'h264') return { ...codec.parameters };
  return {
    ...codec.parameters,
    'profile-level-id': carriedProfileLevelId(profileLevelIdOf(codec.parameters))!,
  };
}

/** What the answer asks for: stereo and error correction of Opus, the offered profile of H.264. */
function answeredParameters(codec: OfferedCodec): Record<string, string | number> {
  switch (codec.codec) {
    case 'opus':
      return { minptime: 10, useinbandfec: 1, stereo: 1 };
    case 'vp8':
      return {};
    case 'h264':
      return {
        'level-asymmetry-allowed': 1,
        'packetization-mode': 1,
        'profile-level-id': profileLevelIdOf(codec.parameters),
      };
  }
}
