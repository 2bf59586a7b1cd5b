import type { types } from 'mediasoup';
import { parse, write } from 'sdp-transform';
import { LivedubError } from '../pipeline/errors.ts';
import { toSdpCandidate } from './sdp-answer.ts';
import type { SdpOffer } from './sdp-offer.ts';

const MAX_FRAGMENT_BYTES = 16 * 1024;

/** What a trickle-ICE fragment says (RFC 8840 §9). Its candidates are not needed by an ICE-lite peer. */
export interface IceFragment {
  /** Both or none. */
  readonly credentials?: { readonly ufrag: string; readonly pwd: string };
}

/** @throws LivedubError LIVEDUB_E_SDP_INVALID when it is no fragment, or says nothing about ICE */
export function parseIceFragment(text: string): IceFragment {
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  if (Buffer.byteLength(text) > MAX_FRAGMENT_BYTES || lines.some((line) => !/^[a-z]=\S/.test(line)))
    throw invalid('This is not a trickle-ICE fragment.');
  const session = parse(text);
  const media = session.media[0];
  const ufrag = session.iceUfrag ?? media?.iceUfrag;
  const pwd = session.icePwd ?? media?.icePwd;
  if ((ufrag === undefined) !== (pwd === undefined))
    throw invalid('The fragment has only one of ice-ufrag and ice-pwd.');
  if (ufrag !== undefined && pwd !== undefined)
    return { credentials: { ufrag: String(ufrag), pwd: String(pwd) } };
  if (!/^a=(candidate:|end-of-candidates)/m.test(text)) throw invalid('The fragment says nothing about ICE.');
  return {};
}

export interface IceAnswerFragmentOptions {
  readonly offer: SdpOffer;
  readonly iceParameters: types.IceParameters;
  readonly iceCandidates: readonly types.IceCandidate[];
}

/** The answer to a restart: our new credentials and the candidates, which stay. */
export function writeIceFragment(options: IceAnswerFragmentOptions): string {
  const { offer, iceParameters, iceCandidates } = options;
  const first = offer.media.find(({ isUsable }) => isUsable) ?? offer.media[0]!;
  const whole = write({
    icelite: 'ice-lite',
    iceUfrag: iceParameters.usernameFragment,
    icePwd: iceParameters.password,
    media: [
      {
        type: first.section.type,
        port: 9,
        protocol: first.section.protocol,
        payloads: '0',
        rtp: [],
        fmtp: [],
        ...(first.mid === undefined ? undefined : { mid: first.mid }),
        candidates: iceCandidates.map(toSdpCandidate),
        endOfCandidates: 'end-of-candidates',
      },
    ],
  });
  // A fragment has no session lines but attributes.
  return whole
    .split('\r\n')
    .filter((line) => !/^[vost]=/.test(line))
    .join('\r\n');
}

function invalid(message: string): LivedubError {
  return new LivedubError('LIVEDUB_E_SDP_INVALID', message);
}
