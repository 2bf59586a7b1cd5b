import { isIP } from 'node:net';
import type { types } from 'mediasoup';
import { type SdpCandidate, type SdpMedia, write } from 'sdp-transform';
import type { HeaderExtension, OfferedCodec, OfferedMedia, SdpOffer } from './sdp-offer.ts';

/** One m-section that is accepted. */
export interface AcceptedMedia {
  readonly offered: OfferedMedia;
  readonly codec: OfferedCodec;
  readonly useRtx: boolean;
  /** fmtp parameters of the answer. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly rtcpFeedback: readonly types.RtcpFeedback[];
  readonly headerExtensions: readonly HeaderExtension[];
  /** What the answerer sends; absent where it receives. */
  readonly sends?: {
    readonly ssrc: number;
    readonly rtxSsrc?: number;
    readonly cname: string;
    readonly streamId: string;
    readonly trackId: string;
  };
}

/** Our side of ICE and DTLS. */
export type LocalTransport = Pick<
  types.WebRtcTransport,
  'iceParameters' | 'iceCandidates' | 'dtlsParameters'
>;

export interface AnswerOptions {
  readonly offer: SdpOffer;
  /** In any order; what is not among them is rejected. */
  readonly accepted: readonly AcceptedMedia[];
  readonly transport: LocalTransport;
}

/** What we are in the DTLS handshake: the server, unless the offerer insists on being it. */
export function answerSetup(offer: SdpOffer): 'active' | 'passive' {
  return offer.setup === 'passive' ? 'active' : 'passive';
}

/** The peer's side, as mediasoup wants it. */
export function remoteDtlsParameters(offer: SdpOffer): types.DtlsParameters {
  return {
    role: answerSetup(offer) === 'passive' ? 'client' : 'server',
    fingerprints: [offer.fingerprint],
  };
}

/** Writes the answer (RFC 8829 §5.3.1) of an ICE-lite peer that bundles everything on one transport. */
export function writeAnswer(options: AnswerOptions): string {
  const { offer, transport } = options;
  const accepted = new Map(options.accepted.map((media) => [media.offered, media]));
  const mids = offer.media.flatMap(({ mid }, i) =>
    mid !== undefined && accepted.has(offer.media[i]!) ? [mid] : [],
  );
  let isFirst = true;
  const media = offer.media.map((offered): SdpMedia => {
    const section = accepted.get(offered);
    if (section === undefined) return rejected(offered);
    const candidates = isFirst ? transport.iceCandidates : [];
    isFirst = false;
    return {
      ...describe(section),
      ...transportLines(options, candidates),
      ...connectionOf(transport.iceCandidates[0]),
    };
  });
  return write({
    version: 0,
    origin: {
      username: '-',
      sessionId: Math.floor(Math.random() * Number.MAX_SAFE_INTEGER),
      sessionVersion: 1,
      netType: 'IN',
      ipVer: 4,
      address: '127.0.0.1',
    },
    name: '-',
    timing: { start: 0, stop: 0 },
    icelite: 'ice-lite',
    ...(mids.length > 0 ? { groups: [{ type: 'BUNDLE', mids: mids.join(' ') }] } : undefined),
    msidSemantic: { semantic: 'WMS', token: '*' },
    media,
  });
}

function rejected({ section, mid }: OfferedMedia): SdpMedia {
  return {
    type: section.type,
    port: 0,
    protocol: section.protocol,
    payloads: String(section.payloads ?? '0'),
    connection: { version: 4, ip: '0.0.0.0' },
    rtp: [],
    fmtp: [],
    ...(mid === undefined ? undefined : { mid }),
    direction: 'inactive',
  };
}

function describe(media: AcceptedMedia): SdpMedia {
  const { offered, codec, sends } = media;
  const rtx = media.useRtx ? codec.rtxPayloadType : undefined;
  const map = offered.section.rtp.find((entry) => entry.payload === codec.payloadType)!;
  const fmtp = Object.entries(media.parameters).map(([key, value]) => `${key}=${value}`);
  return {
    type: offered.section.type,
    port: 9,
    protocol: offered.section.protocol,
    payloads: [codec.payloadType, ...(rtx === undefined ? [] : [rtx])].join(' '),
    ...(offered.mid === undefined ? undefined : { mid: offered.mid }),
    direction: sends === undefined ? 'recvonly' : 'sendonly',
    rtcpMux: 'rtcp-mux',
    ...(offered.section.rtcpRsize === undefined ? undefined : { rtcpRsize: 'rtcp-rsize' }),
    rtp: [map, ...(rtx === undefined ? [] : [{ payload: rtx, codec: 'rtx', rate: map.rate! }])],
    fmtp: [
      ...(fmtp.length === 0 ? [] : [{ payload: codec.payloadType, config: fmtp.join(';') }]),
      ...(rtx === undefined ? [] : [{ payload: rtx, config: `apt=${codec.payloadType}` }]),
    ],
    rtcpFb: media.rtcpFeedback.map(({ type, parameter }) => ({
      payload: codec.payloadType,
      type,
      ...(parameter ? { subtype: parameter } : undefined),
    })),
    ext: media.headerExtensions.map(({ id, uri }) => ({ value: id, uri })),
    ...(sends === undefined ? undefined : sourceLines(sends, rtx !== undefined)),
  };
}

function sourceLines(sends: NonNullable<AcceptedMedia['sends']>, useRtx: boolean): Partial<SdpMedia> {
  const { ssrc, cname, streamId, trackId } = sends;
  const rtxSsrc = useRtx ? sends.rtxSsrc : undefined;
  const ids = rtxSsrc === undefined ? [ssrc] : [ssrc, rtxSsrc];
  return {
    msid: [{ id: streamId, appdata: trackId }],
    ssrcs: ids.flatMap((id) => [
      { id, attribute: 'cname', value: cname },
      { id, attribute: 'msid', value: `${streamId} ${trackId}` },
    ]),
    ...(ids.length === 2 ? { ssrcGroups: [{ semantics: 'FID', ssrcs: ids.join(' ') }] } : undefined),
  };
}

function transportLines(
  { offer, transport }: AnswerOptions,
  candidates: readonly types.IceCandidate[],
): Partial<SdpMedia> {
  const { iceParameters, dtlsParameters } = transport;
  const { algorithm, value } =
    dtlsParameters.fingerprints.find((print) => print.algorithm === 'sha-256') ??
    dtlsParameters.fingerprints[0]!;
  return {
    iceUfrag: iceParameters.usernameFragment,
    icePwd: iceParameters.password,
    fingerprint: { type: algorithm, hash: value },
    setup: answerSetup(offer),
    ...(candidates.length === 0
      ? undefined
      : { candidates: candidates.map(toSdpCandidate), endOfCandidates: 'end-of-candidates' }),
  };
}

export function toSdpCandidate(candidate: types.IceCandidate): SdpCandidate {
  const { foundation, protocol, priority, address, port, type, tcpType } = candidate;
  return {
    foundation,
    component: 1,
    transport: protocol,
    priority,
    ip: address,
    port,
    type,
    ...(tcpType === undefined ? undefined : { tcptype: tcpType }),
  };
}

/** The default candidate (RFC 8839 §4.2.1), for peers that read nothing else. */
function connectionOf(candidate: types.IceCandidate | undefined): Partial<SdpMedia> {
  const version = candidate === undefined ? 0 : isIP(candidate.address);
  if (candidate === undefined || version === 0) return { port: 9, connection: { version: 4, ip: '0.0.0.0' } };
  return { port: candidate.port, connection: { version, ip: candidate.address } };
}
