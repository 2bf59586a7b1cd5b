import { LivedubError } from '../../pipeline/errors.ts';
import { IngestListeners } from './ingest/ingest-listeners.ts';
import type { ToolIngest } from './ingest/tool-ingest.ts';
import type { LiveChannel } from './live-channel.ts';
import type { Publisher } from './publishers.ts';

export interface ChannelListenersOptions {
  /** IPv4 address to listen on. */
  host: string;
  /** Host in the addresses that people are shown. Default: `host`. */
  announcedHost?: string | undefined;
  /** First of the ports given to channels, two each. Default 0: any that are free. */
  firstPort?: number | undefined;
  onNotice: (channelId: string, message: string) => void;
}

/** SRT and RTMP of the channels that ask for it. */
export class ChannelListeners {
  readonly #o: ChannelListenersOptions;
  readonly #open = new Map<string, Promise<IngestListeners>>();
  readonly #addresses = new Map<string, { srt: string; rtmp: string }>();

  constructor(options: ChannelListenersOptions) {
    this.#o = options;
  }

  addressesOf(channelId: string): { readonly srt: string; readonly rtmp: string } | undefined {
    return this.#addresses.get(channelId);
  }

  /** Listens for a channel, or stops. A port that cannot be had is told, and the channel goes on without. */
  async set(channel: LiveChannel, wanted: boolean): Promise<void> {
    const { id } = channel;
    const now = this.#open.get(id);
    if (wanted === (now !== undefined)) return;
    if (now) {
      this.#open.delete(id);
      this.#addresses.delete(id);
      await now.then((listeners) => listeners.close()).catch(() => undefined);
      return;
    }
    const opening = this.#start(channel);
    this.#open.set(id, opening);
    try {
      const listeners = await opening;
      this.#addresses.set(id, { srt: listeners.srtUrl, rtmp: listeners.rtmpUrl });
      await channel.keepPorts({
        srt: Number(new URL(listeners.srtUrl).port),
        rtmp: Number(new URL(listeners.rtmpServer).port),
      });
    } catch (error) {
      this.#open.delete(id);
      this.#o.onNotice(id, error instanceof LivedubError ? error.message : String(error));
    }
  }

  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(open.map((one) => one.then((listeners) => listeners.close()).catch(() => undefined)));
  }

  /** On the ports the channel had before, where they are still free. */
  async #start(channel: LiveChannel): Promise<IngestListeners> {
    const ports = channel.record.ports ?? this.#nextPorts();
    try {
      return await this.#listen(channel, ports);
    } catch (error) {
      const isTaken = error instanceof LivedubError && error.code === 'LIVEDUB_E_PORT_IN_USE';
      if (!isTaken || ports.srt === 0 || this.#o.firstPort) throw error;
      return await this.#listen(channel, { srt: 0, rtmp: 0 });
    }
  }

  #nextPorts(): { srt: number; rtmp: number } {
    const first = this.#o.firstPort ?? 0;
    if (first === 0) return { srt: 0, rtmp: 0 };
    const taken = new Set([...this.#addresses.values()].map(({ srt }) => Number(new URL(srt).port)));
    let srt = first;
    while (taken.has(srt)) srt += 2;
    return { srt, rtmp: srt + 1 };
  }

  #listen(channel: LiveChannel, ports: { srt: number; rtmp: number }): Promise<IngestListeners> {
    const { id } = channel;
    return IngestListeners.start({
      host: this.#o.host,
      ...(this.#o.announcedHost === undefined ? {} : { announcedHost: this.#o.announcedHost }),
      srtPort: ports.srt,
      rtmpPort: ports.rtmp,
      router: () => channel.router(),
      streamKey: channel.record.streamKey,
      speechTrack: () => (channel.record.settings.dubbingSource === 'speech' ? 1 : undefined),
      onIngest: (ingest) => void this.#take(channel, ingest),
      onNotice: (message) => this.#o.onNotice(id, message),
    });
  }

  async #take(channel: LiveChannel, ingest: ToolIngest): Promise<void> {
    if (channel.publishers.get('programme') && channel.state === 'live') {
      this.#o.onNotice(channel.id, 'Another encoder tried to publish while somebody is on the air.');
      ingest.close();
      return;
    }
    const publisher: Publisher = {
      protocol: ingest.protocol,
      tracks: { audio: ingest.audio, video: ingest.video, speech: ingest.speech },
      health: async () => ingest.health(),
      close: () => ingest.close(),
    };
    ingest.ended.then(
      () => channel.unpublish('programme', publisher),
      () => channel.unpublish('programme', publisher),
    );
    try {
      await channel.publish('programme', publisher, false);
      ingest.start();
    } catch (error) {
      ingest.close();
      this.#o.onNotice(channel.id, String(error));
    }
  }
}
