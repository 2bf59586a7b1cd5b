export type RangeAnswer =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly start: number; readonly length: number }
  | { readonly kind: 'unsatisfiable' };

/**
 * Reads a Range header (RFC 9110, section 14). A malformed header, another unit and several ranges are answered with
 * the whole file, as the RFC allows.
 *
 * @param header empty when there is none
 * @param sizeBytes size of the file
 */
export function parseRange(header: string, sizeBytes: number): RangeAnswer {
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(header);
  if (!match) return { kind: 'whole' };
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return { kind: 'whole' };
  if (first === '') {
    const suffix = Math.min(Number(last), sizeBytes);
    return suffix === 0
      ? { kind: 'unsatisfiable' }
      : { kind: 'part', start: sizeBytes - suffix, length: suffix };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return { kind: 'whole' };
  if (start >= sizeBytes) return { kind: 'unsatisfiable' };
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  return { kind: 'part', start, length: end - start + 1 };
}
