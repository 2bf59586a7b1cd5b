/** What a publisher sends, over the last second. */
export interface SendStats {
  readonly audioBps: number;
  readonly videoBps: number;
  /** Share of packets that the server reports lost, 0…1; the worse of both tracks. */
  readonly loss: number;
  readonly roundTripMs?: number;
  readonly fps?: number;
  readonly width?: number;
  readonly height?: number;
  readonly codec?: string;
  /** Why the browser sends less than it was asked to, if it does. */
  readonly limitedBy?: 'cpu' | 'bandwidth';
}

interface Row {
  readonly id: string;
  readonly type: string;
  readonly kind?: string;
  readonly timestamp: number;
  readonly bytesSent?: number;
  readonly framesPerSecond?: number;
  readonly frameWidth?: number;
  readonly frameHeight?: number;
  readonly codecId?: string;
  readonly mimeType?: string;
  readonly qualityLimitationReason?: string;
  readonly fractionLost?: number;
  readonly roundTripTime?: number;
}

/** Turns successive getStats reports into figures. */
export class SendMeter {
  #before = new Map<string, Row>();

  read(report: ReadonlyMap<string, unknown>): SendStats {
    const rows = [...report.values()] as Row[];
    const now = new Map<string, Row>();
    const bps = { audio: 0, video: 0 };
    let video: Row | undefined;
    let loss = 0;
    let roundTripMs: number | undefined;
    for (const row of rows) {
      if (row.type === 'outbound-rtp') {
        now.set(row.id, row);
        if (row.kind === 'video') video = row;
        const before = this.#before.get(row.id);
        if (before && row.timestamp > before.timestamp) {
          const bits = Math.max(0, (row.bytesSent ?? 0) - (before.bytesSent ?? 0)) * 8;
          bps[row.kind === 'video' ? 'video' : 'audio'] += (bits * 1000) / (row.timestamp - before.timestamp);
        }
      }
      if (row.type === 'remote-inbound-rtp') {
        loss = Math.max(loss, row.fractionLost ?? 0);
        if (row.roundTripTime !== undefined) roundTripMs = row.roundTripTime * 1000;
      }
    }
    this.#before = now;
    const codec = rows.find((row) => row.type === 'codec' && row.id === video?.codecId)?.mimeType;
    const limited = video?.qualityLimitationReason;
    return {
      audioBps: bps.audio,
      videoBps: bps.video,
      loss,
      ...(roundTripMs === undefined ? {} : { roundTripMs }),
      ...(video?.framesPerSecond === undefined ? {} : { fps: video.framesPerSecond }),
      ...(video?.frameWidth && video.frameHeight
        ? { width: video.frameWidth, height: video.frameHeight }
        : {}),
      ...(codec ? { codec: codec.slice(codec.indexOf('/') + 1) } : {}),
      ...(limited === 'cpu' || limited === 'bandwidth' ? { limitedBy: limited } : {}),
    };
  }
}
