import { BackOff, pause } from '../sdk/back-off.ts';
import { asProblem, LiveProblem, problemOfResponse } from '../sdk/problem.ts';
import { TypedEvents } from '../sdk/typed-events.ts';
import { SendMeter, type SendStats } from './send-stats.ts';
import { iceFragment, iceServersOf, withIce, withStartBitrate } from './whip-sdp.ts';

export type WhipState = 'idle' | 'connecting' | 'live' | 'reconnecting' | 'stopped' | 'failed';

export interface WhipEvents {
  state: { readonly state: WhipState; readonly problem?: LiveProblem };
  /** Once a second while live. */
  stats: SendStats;
}

export interface WhipClientOptions {
  /** Where offers are posted. */
  readonly endpoint: URL;
  readonly token: string | undefined;
  /** Tracks to publish: at most one of sound and one of picture. */
  readonly stream: MediaStream;
  /** End whoever publishes on the channel now. Default false. */
  readonly takeOver?: boolean;
  /** Default VP8, which needs no encoder that the machine may lack. */
  readonly videoCodec?: 'VP8' | 'H264';
  /** Default 2 500 000. */
  readonly videoBitrateBps?: number;
  /** Default 64 000: plenty for one voice. */
  readonly audioBitrateBps?: number;
}

/** Answers that trying again does not change. */
const FINAL_STATUS: ReadonlySet<number> = new Set([400, 401, 403, 404, 406, 409, 413, 415, 422]);
const DEFAULT_VIDEO_BPS = 2_500_000;
/** Part of the bitrate that is sent at first. */
const START_SHARE = 0.6;
const DELETE_WITHIN_MS = 1000;
const RESTART_WITHIN_MS = 5000;
const CONNECT_WITHIN_MS = 12_000;

/**
 * Publishes by WHIP (RFC 9725). A lost connection is first mended by restarting ICE, then by a new session in place of the
 * old one; within 30 s the server goes on with the same programme.
 */
export class WhipClient extends TypedEvents<WhipEvents> {
  readonly #options: WhipClientOptions;
  readonly #controller = new AbortController();
  readonly #backOff = new BackOff({ mostMs: 5000 });
  #peer: RTCPeerConnection | undefined;
  #session: URL | undefined;
  #etag = '';
  #answer = '';
  #state: WhipState = 'idle';
  #wasLive = false;
  #mending = false;
  #statsTimer: ReturnType<typeof setInterval> | undefined;

  constructor(options: WhipClientOptions) {
    super();
    this.#options = options;
  }

  get state(): WhipState {
    return this.#state;
  }

  /** Returns once the first try has succeeded or failed; the state says which. */
  async start(): Promise<void> {
    if (this.#state !== 'idle') return;
    this.#setState('connecting');
    await this.#connectUntilLive(this.#options.takeOver ?? false);
  }

  /** Replaces a track, e.g. another camera, without a new session. */
  async replaceTrack(track: MediaStreamTrack): Promise<void> {
    const sender = this.#peer?.getSenders().find((one) => one.track?.kind === track.kind);
    await sender?.replaceTrack(track);
  }

  /** Ends the session. Idempotent. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped' || this.#state === 'idle') return;
    this.#controller.abort();
    this.#setState('stopped');
    // First, or the server ends the session itself and has none to delete.
    const waited = new Promise((resolve) => setTimeout(resolve, DELETE_WITHIN_MS));
    await Promise.race([this.#deleteSession(), waited]);
    this.#dropPeer();
  }

  /** As `stop`, when the page goes away and nothing can be waited for. */
  stopNow(): void {
    void this.stop();
  }

  async #connectUntilLive(takeOver: boolean): Promise<void> {
    const { signal } = this.#controller;
    while (!signal.aborted) {
      try {
        await this.#connect(takeOver);
        this.#backOff.reset();
        return;
      } catch (error) {
        if (signal.aborted) return;
        const problem = asProblem(error);
        this.#dropPeer();
        if (FINAL_STATUS.has(problem.status) || (!this.#wasLive && problem.status === 0)) {
          this.#setState('failed', problem);
          await this.#deleteSession();
          return;
        }
        this.#setState('reconnecting', problem);
        await pause(this.#backOff.nextMs(), signal);
      }
    }
  }

  async #connect(takeOver: boolean): Promise<void> {
    const { stream, videoCodec = 'VP8' } = this.#options;
    const { signal } = this.#controller;
    await this.#deleteSession();
    const peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    this.#peer = peer;
    for (const track of stream.getTracks()) {
      const transceiver = peer.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
      if (track.kind === 'video') preferCodec(transceiver, videoCodec);
    }
    await peer.setLocalDescription();
    const endpoint = new URL(this.#options.endpoint);
    if (takeOver) endpoint.searchParams.set('takeover', '1');
    const response = await this.#request('POST', endpoint, {
      'content-type': 'application/sdp',
      body: peer.localDescription?.sdp ?? '',
    });
    const location = response.headers.get('location');
    if (!location) throw new Error('the server names no session');
    // Of the document, not of the page: a server behind a prefix answers with a relative one.
    this.#session = new URL(location, response.url || endpoint);
    this.#etag = response.headers.get('etag') ?? '';
    const { videoBitrateBps = DEFAULT_VIDEO_BPS } = this.#options;
    this.#answer = withStartBitrate(await response.text(), videoBitrateBps * START_SHARE);
    const iceServers = iceServersOf(response.headers.get('link'));
    if (signal.aborted) {
      await this.#deleteSession();
      return;
    }
    if (iceServers.length > 0) peer.setConfiguration({ iceServers, bundlePolicy: 'max-bundle' });
    await peer.setRemoteDescription({ type: 'answer', sdp: this.#answer });
    await this.#limitBitrates(peer);
    await connected(peer, CONNECT_WITHIN_MS, signal);
    peer.onconnectionstatechange = () => this.#onConnection(peer);
    this.#wasLive = true;
    this.#setState('live');
    const meter = new SendMeter();
    clearInterval(this.#statsTimer);
    this.#statsTimer = setInterval(async () => {
      const report = await peer.getStats().catch(() => undefined);
      if (report) this.emit('stats', meter.read(report as unknown as ReadonlyMap<string, unknown>));
    }, 1000);
  }

  #onConnection(peer: RTCPeerConnection): void {
    if (peer !== this.#peer || this.#mending || this.#controller.signal.aborted) return;
    const state = peer.connectionState;
    if (state === 'disconnected' || state === 'failed' || state === 'closed') void this.#mend(peer);
  }

  async #mend(peer: RTCPeerConnection): Promise<void> {
    const { signal } = this.#controller;
    this.#mending = true;
    this.#setState('reconnecting');
    try {
      await this.#restartIce(peer);
      await connected(peer, RESTART_WITHIN_MS, signal);
      this.#setState('live');
    } catch {
      if (signal.aborted) return;
      this.#dropPeer();
      // Not by force: somebody else may have taken over meanwhile.
      await this.#connectUntilLive(false);
    } finally {
      this.#mending = false;
    }
  }

  async #restartIce(peer: RTCPeerConnection): Promise<void> {
    if (!this.#session) throw new Error('there is no session');
    await peer.setLocalDescription(await peer.createOffer({ iceRestart: true }));
    const response = await this.#request('PATCH', this.#session, {
      'content-type': 'application/trickle-ice-sdpfrag',
      // A restart is meant whatever session of ICE there was (RFC 9725, 4.3.3).
      'if-match': '*',
      body: iceFragment(peer.localDescription?.sdp ?? ''),
    });
    this.#etag = response.headers.get('etag') ?? this.#etag;
    this.#answer = withIce(this.#answer, await response.text());
    await peer.setRemoteDescription({ type: 'answer', sdp: this.#answer });
  }

  async #limitBitrates(peer: RTCPeerConnection): Promise<void> {
    const { videoBitrateBps = DEFAULT_VIDEO_BPS, audioBitrateBps = 64_000 } = this.#options;
    for (const sender of peer.getSenders()) {
      const parameters = sender.getParameters();
      for (const encoding of parameters.encodings) {
        encoding.maxBitrate = sender.track?.kind === 'video' ? videoBitrateBps : audioBitrateBps;
      }
      // A browser that does not take them sends what it sees fit.
      await sender.setParameters(parameters).catch(() => {});
    }
  }

  async #request(
    method: string,
    address: URL,
    { body, ...headers }: { body?: string; [header: string]: string },
  ): Promise<Response> {
    const all = new Headers(headers);
    if (this.#options.token) all.set('authorization', `Bearer ${this.#options.token}`);
    const init: RequestInit = { method, headers: all, credentials: 'omit', cache: 'no-store' };
    if (body !== undefined) init.body = body;
    // A page that goes away still sends the end of its session.
    if (method === 'DELETE') init.keepalive = true;
    else init.signal = AbortSignal.any([this.#controller.signal, AbortSignal.timeout(CONNECT_WITHIN_MS)]);
    const response = await fetch(address, init).catch((error: unknown) => {
      throw this.#controller.signal.aborted ? error : unreachable();
    });
    if (!response.ok) throw await problemOfResponse(response);
    return response;
  }

  async #deleteSession(): Promise<void> {
    const session = this.#session;
    if (!session) return;
    try {
      await this.#request('DELETE', session, {});
    } catch (error) {
      // Not reached: the session may still be there and in the way of a new one.
      if (asProblem(error).status === 0) return;
    }
    if (this.#session === session) this.#session = undefined;
  }

  #dropPeer(): void {
    clearInterval(this.#statsTimer);
    if (this.#peer) this.#peer.onconnectionstatechange = null;
    this.#peer?.close();
    this.#peer = undefined;
  }

  #setState(state: WhipState, problem?: LiveProblem): void {
    if (this.#state === 'stopped') return;
    this.#state = state;
    this.emit('state', { state, ...(problem ? { problem } : {}) });
  }
}

function preferCodec(transceiver: RTCRtpTransceiver, name: string): void {
  const codecs = RTCRtpReceiver.getCapabilities('video')?.codecs ?? [];
  const wanted = codecs.filter((codec) => codec.mimeType.toLowerCase() === `video/${name.toLowerCase()}`);
  if (wanted.length === 0) return;
  transceiver.setCodecPreferences([...wanted, ...codecs.filter((codec) => !wanted.includes(codec))]);
}

function connected(peer: RTCPeerConnection, withinMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => end(unreachable()), withinMs);
    const look = () => {
      if (peer.connectionState === 'connected') end(undefined);
      else if (peer.connectionState === 'failed' || peer.connectionState === 'closed') end(unreachable());
    };
    const stop = () => end(new Error('stopped'));
    function end(error: Error | undefined) {
      clearTimeout(timer);
      peer.removeEventListener('connectionstatechange', look);
      signal.removeEventListener('abort', stop);
      if (error) reject(error);
      else resolve();
    }
    peer.addEventListener('connectionstatechange', look);
    signal.addEventListener('abort', stop);
    look();
  });
}

function unreachable(): LiveProblem {
  return new LiveProblem({
    code: 'LIVEDUB_E_UNREACHABLE',
    message: 'No connection to the server could be made.',
    remedy: 'Check the network, and that UDP or TCP to the server’s media port is open.',
  });
}
