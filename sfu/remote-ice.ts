import type { types } from 'mediasoup';
import { LivedubError } from '../pipeline/errors.ts';
import { parseIceFragment, writeIceFragment } from './ice-fragment.ts';
import type { SdpOffer } from './sdp-offer.ts';

/** The peer's side of ICE in a WHIP or WHEP session: candidates that trickle in are not needed, a restart is answered. */
export class RemoteIce {
  readonly #transport: types.WebRtcTransport;
  readonly #offer: SdpOffer;
  #ufrag: string;

  constructor(transport: types.WebRtcTransport, offer: SdpOffer) {
    this.#transport = transport;
    this.#offer = offer;
    this.#ufrag = offer.iceUfrag;
  }

  /**
   * Takes a trickle-ICE fragment (RFC 8840).
   * @returns the answering fragment of an ICE restart; undefined for mere candidates
   * @throws LivedubError LIVEDUB_E_SDP_INVALID, LIVEDUB_E_CLOSED
   */
  async patch(fragment: string): Promise<string | undefined> {
    const { credentials } = parseIceFragment(fragment);
    if (this.#transport.closed) throw new LivedubError('LIVEDUB_E_CLOSED', 'The session is closed.');
    if (credentials === undefined || credentials.ufrag === this.#ufrag) return undefined;
    this.#ufrag = credentials.ufrag;
    const iceParameters = await this.#transport.restartIce();
    return writeIceFragment({
      offer: this.#offer,
      iceParameters,
      iceCandidates: this.#transport.iceCandidates,
    });
  }
}
