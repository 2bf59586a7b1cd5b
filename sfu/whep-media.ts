import type { types } from 'mediasoup';
import { LivedubError } from '../pipeline/errors.ts';
import { carriedProfileLevelId, MIME } from './codecs.ts';
import { carriedCodec } from './payload-profiles.ts';
import type { AcceptedMedia } from './sdp-answer.ts';
import { type OfferedCodec, type OfferedMedia, profileLevelIdOf, type SdpOffer } from './sdp-offer.ts';

/** One track that a player gets, in the m-section and with the codec that it offered for it. */
export interface EgressChoice {
  readonly producer: types.Producer;
  readonly media: OfferedMedia;
  readonly codec: OfferedCodec;
}

/**
 * Finds a place in the offer for each track.
 * @throws LivedubError LIVEDUB_E_SDP_UNSUPPORTED when there is none for any
 */
export function chooseEgress(
  offer: SdpOffer,
  producers: { readonly audio?: types.Producer; readonly video?: types.Producer },
): EgressChoice[] {
  const chosen: EgressChoice[] = [];
  for (const producer of [producers.audio, producers.video]) {
    if (producer === undefined) continue;
    for (const media of offer.media) {
      if (media.kind !== producer.kind || !media.isUsable || !media.receives) continue;
      const codec = media.codecs.find((next) => isSameCodec(next, carriedCodec(producer)));
      if (codec === undefined) continue;
      chosen.push({ producer, media, codec });
      break;
    }
  }
  if (chosen.length === 0) {
    throw new LivedubError(
      'LIVEDUB_E_SDP_UNSUPPORTED',
      'The offer can take nothing of what there is: no matching codec, or not bundled with rtcp-mux.',
    );
  }
  return chosen;
}

function isSameCodec(offered: OfferedCodec, carried: types.RtpCodecParameters): boolean {
  if (MIME[offered.codec].toLowerCase() !== carried.mimeType.toLowerCase()) return false;
  if (offered.codec !== 'h264') return true;
  const profileOf = (parameters: Readonly<Record<string, unknown>>) =>
    carriedProfileLevelId(profileLevelIdOf(parameters))?.slice(0, 4);
  return profileOf(offered.parameters) === profileOf(carried.parameters ?? {});
}

/**
 * What the player can take of one track. mediasoup sends with the router's numbers, so repair packets and header
 * extensions are used where those happen to be the player's too; without repair packets a lost packet is sent again as
 * it was.
 */
export function consumerCapabilities(
  media: OfferedMedia,
  codec: OfferedCodec,
  producer: types.Producer,
  router: types.RtpCapabilities,
): types.RtpCapabilities {
  const { mimeType, clockRate, channels, parameters } = carriedCodec(producer);
  const { kind } = producer;
  const { payloadType, rtxPayloadType } = codec;
  const hasRtx =
    rtxPayloadType !== undefined &&
    (router.codecs ?? []).some(
      (known) => known.preferredPayloadType === rtxPayloadType && known.parameters?.apt === payloadType,
    );
  return {
    codecs: [
      {
        kind,
        mimeType,
        clockRate,
        preferredPayloadType: payloadType,
        ...(channels === undefined ? undefined : { channels }),
        parameters: parameters ?? {},
        rtcpFeedback: [...codec.rtcpFeedback],
      },
      ...(hasRtx
        ? [
            {
              kind,
              mimeType: 'video/rtx',
              clockRate,
              preferredPayloadType: rtxPayloadType,
              parameters: { apt: payloadType },
              rtcpFeedback: [],
            },
          ]
        : []),
    ],
    headerExtensions: media.headerExtensions.map(({ id, uri }) => ({ kind, uri, preferredId: id })),
  };
}

/** What the answer says of a track. */
export function acceptedEgress(
  { media, codec }: EgressChoice,
  consumer: types.Consumer,
  streamId: string,
): AcceptedMedia {
  const { codecs, headerExtensions = [], encodings = [], rtcp } = consumer.rtpParameters;
  const [main] = codecs;
  const { ssrc, rtx } = encodings[0] ?? {};
  if (main?.payloadType !== codec.payloadType || ssrc === undefined)
    throw new LivedubError('LIVEDUB_E_INTERNAL', 'The router sends with another payload type than offered.');
  return {
    offered: media,
    codec,
    useRtx: rtx !== undefined,
    parameters: sentParameters(codec),
    rtcpFeedback: main.rtcpFeedback ?? [],
    headerExtensions,
    sends: {
      ssrc,
      ...(rtx === undefined ? undefined : { rtxSsrc: rtx.ssrc }),
      cname: rtcp?.cname ?? streamId,
      streamId,
      trackId: consumer.id,
    },
  };
}

function sentParameters(codec: OfferedCodec): Record<string, string | number> {
  switch (codec.codec) {
    case 'opus':
      // Tells a player to decode in stereo (RFC 7587 §6.1).
      return { minptime: 10, useinbandfec: 1, stereo: 1, 'sprop-stereo': 1 };
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
