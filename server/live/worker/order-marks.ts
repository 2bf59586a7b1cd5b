import type { OutputMark } from '../../../pipeline/dub-channel.ts';
import { LivedubError } from '../../../pipeline/errors.ts';
import { MarkKeys } from '../../marks/mark-keys.ts';
import type { TrackKey } from '../contract.ts';
import type { OrderMarks } from '../worker-messages.ts';

/**
 * What the tracks of an order are marked with. The order names the key by its number; the key itself is read here.
 * @returns the mark of a track; throws LIVEDUB_E_MARK_KEY for one that has none
 * @throws LivedubError LIVEDUB_E_MARK_KEY when this process cannot read the key
 */
export async function readOrderMarks(order: OrderMarks): Promise<(track: TrackKey) => OutputMark> {
  const { all } = await MarkKeys.open({ dataDir: order.dataDir });
  const key = all.find(({ keyId }) => keyId === order.keyId);
  if (key === undefined) {
    throw new LivedubError('LIVEDUB_E_MARK_KEY', `Key ${order.keyId} of marks is not known to this worker.`, {
      remedy: 'Give the same LIVEDUB_MARK_KEY, or data folder, to all processes, and start them again.',
    });
  }
  return (track) => {
    const rendition = order.renditions[track];
    if (rendition === undefined)
      throw new LivedubError('LIVEDUB_E_MARK_KEY', `No mark was issued for ${track}.`);
    return { key, rendition, strength: order.strength };
  };
}
