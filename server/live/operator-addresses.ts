import type { OperatorChannel } from './contract.ts';

/** An operator's view with addresses that can be copied into another program. @param baseUrl `http://host:port` */
export function withBase(channel: OperatorChannel, baseUrl: string): OperatorChannel {
  const absolute = (address: string) => new URL(address, baseUrl).href;
  const { publish, watch } = channel;
  return {
    ...channel,
    publish: { ...publish, whip: absolute(publish.whip), page: absolute(publish.page) },
    watch: { page: absolute(watch.page), whep: absolute(watch.whep) },
  };
}
