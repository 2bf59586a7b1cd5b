import type { types } from 'mediasoup';
import { parse, parseParams, type SdpMedia, type SdpSession } from 'sdp-transform';
import { LivedubError } from '../pipeline/errors.ts';
import { RTP_CLOCK_HZ, type RtpCodec } from '../pipeline/rtp/rtp-packet.ts';
import { carriedProfileLevelId } from './codecs.ts';

export const MAX_SDP_BYTES = 64 * 1024;
const MAX_MEDIA_SECTIONS = 32;

/** A codec of an offer that livedub carries. */
export interface OfferedCodec {
  readonly codec: RtpCodec;
  readonly payloadType: number;
  readonly rtxPayloadType?: number;
  /** fmtp parameters as offered. */
  readonly parameters: Readonly<Record<string, string | number>>;
  readonly rtcpFeedback: readonly types.RtcpFeedback[];
}

export interface HeaderExtension {
  readonly id: number;
  /** Any; those that mediasoup does not know are never chosen. */
  readonly uri: types.RtpHeaderExtensionUri;
}

/** One m-section of an offer. */
export interface OfferedMedia {
  readonly kind: 'audio' | 'video' | 'other';
  /** Undefined where the offer names none. */
  readonly mid: string | undefined;
  /** Whether it can be accepted at all: RTP over DTLS, not closed, bundled, with rtcp-mux. */
  readonly isUsable: boolean;
  readonly sends: boolean;
  readonly receives: boolean;
  /** In the offerer's order of preference. */
  readonly codecs: readonly OfferedCodec[];
  readonly headerExtensions: readonly HeaderExtension[];
  readonly ssrc?: number;
  readonly rtxSsrc?: number;
  readonly cname?: string;
  /** Several encodings by RID (RFC 8853). */
  readonly isSimulcast: boolean;
  /** As parsed, for the answer. */
  readonly section: SdpMedia;
}

export interface SdpOffer {
  readonly media: readonly OfferedMedia[];
  readonly iceUfrag: string;
  readonly icePwd: string;
  readonly fingerprint: types.DtlsFingerprint;
  /** What the offerer is in the DTLS handshake. */
  readonly setup: 'actpass' | 'active' | 'passive';
}

/**
 * Reads an SDP offer (RFC 8829, RFC 8866) as far as livedub needs it.
 * @throws LivedubError LIVEDUB_E_SDP_INVALID when it is no complete WebRTC offer
 */
export function parseOffer(sdp: string): SdpOffer {
  const session = parseSession(sdp);
  if (session.media.length === 0) throw invalid('The SDP has no media sections.');
  if (session.media.length > MAX_MEDIA_SECTIONS)
    throw invalid(`The SDP has more than ${MAX_MEDIA_SECTIONS} media sections.`);
  const mids = session.media.flatMap((section) => (section.mid === undefined ? [] : [String(section.mid)]));
  if (new Set(mids).size < mids.length) throw invalid('Two media sections of the SDP have one mid.');
  const bundle = (session.groups ?? []).find((group) => group.type === 'BUNDLE');
  const bundled = bundle === undefined ? undefined : new Set(String(bundle.mids).split(/\s+/));
  const media = session.media.map((section) => readMedia(session, section, bundled));
  return { media, ...readTransport(session) };
}

function parseSession(sdp: string): SdpSession {
  if (Buffer.byteLength(sdp) > MAX_SDP_BYTES) throw invalid(`The SDP is larger than ${MAX_SDP_BYTES} bytes.`);
  if (!/^v=0\r?\n/.test(sdp)) throw invalid('This is not SDP: it does not begin with v=0.');
  try {
    return parse(sdp);
  } catch (error) {
    throw invalid('The SDP cannot be read.', error);
  }
}

const FINGERPRINT_BYTES: Readonly<Record<string, number>> = {
  'sha-1': 20,
  'sha-224': 28,
  'sha-256': 32,
  'sha-384': 48,
  'sha-512': 64,
};

/** ICE and DTLS of the bundle: those of its first section, where they are not said once for all. */
function readTransport(session: SdpSession): Omit<SdpOffer, 'media'> {
  const first = session.media.find((section) => section.port !== 0) ?? session.media[0]!;
  const ufrag = first.iceUfrag ?? session.iceUfrag;
  const pwd = first.icePwd ?? session.icePwd;
  if (ufrag === undefined || pwd === undefined) throw invalid('The SDP lacks ice-ufrag or ice-pwd.');
  const fingerprint = first.fingerprint ?? session.fingerprint;
  if (fingerprint === undefined) throw invalid('The SDP lacks the fingerprint of a certificate.');
  const algorithm = String(fingerprint.type).toLowerCase();
  const value = String(fingerprint.hash).toUpperCase();
  const bytes = FINGERPRINT_BYTES[algorithm];
  if (bytes === undefined || !new RegExp(`^[0-9A-F]{2}(:[0-9A-F]{2}){${bytes - 1}}$`).test(value))
    throw invalid('The fingerprint in the SDP is not one.');
  const setup = first.setup ?? session.setup ?? 'actpass';
  if (setup !== 'actpass' && setup !== 'active' && setup !== 'passive')
    throw invalid(`The SDP says setup:${setup}.`);
  return {
    iceUfrag: String(ufrag),
    icePwd: String(pwd),
    fingerprint: { algorithm: algorithm as types.FingerprintAlgorithm, value },
    setup,
  };
}

function readMedia(
  session: SdpSession,
  section: SdpMedia,
  bundled: ReadonlySet<string> | undefined,
): OfferedMedia {
  const mid = section.mid === undefined ? undefined : String(section.mid);
  const direction = section.direction ?? session.direction ?? 'sendrecv';
  const isBundled =
    bundled === undefined ? session.media.length === 1 : mid !== undefined && bundled.has(mid);
  const isOpen = section.port !== 0 || section.bundleOnly !== undefined;
  const kind = section.type === 'audio' || section.type === 'video' ? section.type : 'other';
  return {
    kind,
    mid,
    isUsable:
      isOpen &&
      isBundled &&
      section.rtcpMux !== undefined &&
      /^(UDP|TCP)\/TLS\/RTP\/SAVPF?$/.test(String(section.protocol)),
    sends: direction === 'sendrecv' || direction === 'sendonly',
    receives: direction === 'sendrecv' || direction === 'recvonly',
    codecs: kind === 'other' ? [] : readCodecs(section, kind),
    headerExtensions: [...(section.ext ?? []), ...(session.ext ?? [])].flatMap((ext) => {
      const id = Number(ext.value);
      return Number.isInteger(id) && id >= 1 && id <= 14
        ? [{ id, uri: String(ext.uri) as types.RtpHeaderExtensionUri }]
        : [];
    }),
    ...readSources(section),
    isSimulcast: section.simulcast !== undefined || (section.rids ?? []).length > 0,
    section,
  };
}

function readCodecs(section: SdpMedia, kind: 'audio' | 'video'): OfferedCodec[] {
  const order = String(section.payloads ?? '')
    .split(/\s+/)
    .map(Number);
  const parametersOf = (payloadType: number) => {
    const fmtp = section.fmtp.find((entry) => entry.payload === payloadType);
    return fmtp === undefined ? {} : parseParams(String(fmtp.config));
  };
  const rtx = new Map<number, number>();
  for (const { payload, codec } of section.rtp) {
    const { apt } = parametersOf(payload);
    if (String(codec).toLowerCase() === 'rtx' && typeof apt === 'number') rtx.set(apt, payload);
  }
  return order.flatMap((payloadType) => {
    const map = section.rtp.find((entry) => entry.payload === payloadType);
    if (map === undefined || payloadType < 0 || payloadType > 127) return [];
    const codec = String(map.codec).toLowerCase();
    const parameters = parametersOf(payloadType);
    if (!isCarried(codec, parameters) || map.rate !== RTP_CLOCK_HZ[codec]) return [];
    if ((codec === 'opus') !== (kind === 'audio')) return [];
    const rtxPayloadType = rtx.get(payloadType);
    return [
      {
        codec,
        payloadType,
        parameters,
        rtcpFeedback: (section.rtcpFb ?? [])
          .filter((fb) => fb.payload === '*' || Number(fb.payload) === payloadType)
          .map((fb) => ({ type: String(fb.type), parameter: String(fb.subtype ?? '') })),
        ...(rtxPayloadType === undefined ? undefined : { rtxPayloadType }),
      },
    ];
  });
}

/** Opus, VP8, and H.264 in a profile that routers have and with NAL units cut to packets (RFC 6184 mode 1). */
function isCarried(codec: string, parameters: Record<string, string | number>): codec is RtpCodec {
  if (codec === 'opus' || codec === 'vp8') return true;
  return (
    codec === 'h264' &&
    Number(parameters['packetization-mode'] ?? 0) === 1 &&
    carriedProfileLevelId(profileLevelIdOf(parameters)) !== undefined
  );
}

/** Of an H.264 codec; constrained baseline where none is given. */
export function profileLevelIdOf(parameters: Readonly<Record<string, unknown>>): string {
  return String(parameters['profile-level-id'] ?? '42e01f').toLowerCase();
}

function readSources(section: SdpMedia): Pick<OfferedMedia, 'ssrc' | 'rtxSsrc' | 'cname'> {
  const lines = section.ssrcs ?? [];
  const pair = (section.ssrcGroups ?? []).find((group) => group.semantics === 'FID');
  const [first, second] = pair === undefined ? [] : String(pair.ssrcs).split(/\s+/).map(Number);
  const ssrc = first ?? (lines[0] === undefined ? undefined : Number(lines[0].id));
  if (ssrc === undefined || !Number.isInteger(ssrc) || ssrc < 1 || ssrc > 0xffff_ffff) return {};
  const cname = lines.find((line) => Number(line.id) === ssrc && line.attribute === 'cname')?.value;
  return {
    ssrc,
    ...(second !== undefined && Number.isInteger(second) ? { rtxSsrc: second } : undefined),
    ...(cname === undefined ? undefined : { cname: String(cname) }),
  };
}

function invalid(message: string, cause?: unknown): LivedubError {
  return new LivedubError('LIVEDUB_E_SDP_INVALID', message, cause === undefined ? {} : { cause });
}
