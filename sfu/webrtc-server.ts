import type { types } from 'mediasoup';
import { LivedubError } from '../pipeline/errors.ts';

export interface WebRtcListenOptions {
  /** Address to listen on. Default 127.0.0.1: this machine only. */
  readonly listenIp?: string;
  /** Address or host name that browsers are told, where it differs (NAT, a wildcard address). Default: `listenIp`. */
  readonly announcedAddress?: string;
  /** UDP and TCP port of the first worker; the next worker takes the next port. Default 0: any free ones. */
  readonly port?: number;
}

const WILDCARDS = new Set(['0.0.0.0', '::']);

/**
 * One UDP and one TCP port that all WebRTC transports of a worker share.
 * @param index of the worker; added to the port
 * @throws LivedubError LIVEDUB_E_USAGE for a wildcard address without an announced one, LIVEDUB_E_PORT_IN_USE,
 *   LIVEDUB_E_SFU_FAILED
 */
export async function openWebRtcServer(
  worker: types.Worker,
  options: WebRtcListenOptions,
  index: number,
): Promise<types.WebRtcServer> {
  const { listenIp = '127.0.0.1', announcedAddress, port = 0 } = options;
  if (WILDCARDS.has(listenIp) && announcedAddress === undefined) {
    throw new LivedubError(
      'LIVEDUB_E_USAGE',
      `Browsers cannot be told to connect to ${listenIp}: name the address they reach this machine at.`,
    );
  }
  const listen = (protocol: 'udp' | 'tcp'): types.TransportListenInfo => ({
    protocol,
    ip: listenIp,
    ...(announcedAddress === undefined ? undefined : { announcedAddress }),
    ...(port === 0 ? undefined : { port: port + index }),
  });
  try {
    return await worker.createWebRtcServer({ listenInfos: [listen('udp'), listen('tcp')] });
  } catch (error) {
    const isTaken = /in use/i.test(String(error));
    throw new LivedubError(
      isTaken ? 'LIVEDUB_E_PORT_IN_USE' : 'LIVEDUB_E_SFU_FAILED',
      `WebRTC cannot listen on ${listenIp}:${port === 0 ? 'any port' : port + index}.`,
      { cause: error },
    );
  }
}
