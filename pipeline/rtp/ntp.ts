/** Seconds from the NTP epoch (1900) to the Unix epoch (RFC 868). */
const NTP_TO_UNIX_S = 2_208_988_800;
const FRACTION = 0x1_0000_0000;

/** A 64-bit NTP timestamp as its two words; numbers, because a bigint per packet costs more than the packet. */
export interface NtpWords {
  readonly seconds: number;
  readonly fraction: number;
}

/** Wall time in µs since the Unix epoch → NTP words (RFC 3550 §4). Exact to the µs both ways. */
export function ntpOfWallUs(wallUs: number): NtpWords {
  const seconds = Math.floor(wallUs / 1e6);
  const fraction = Math.round(((wallUs - seconds * 1e6) * FRACTION) / 1e6);
  return { seconds: (seconds + NTP_TO_UNIX_S) >>> 0, fraction: fraction >>> 0 };
}

/** NTP words → wall time in µs since the Unix epoch. Right until the NTP era ends in 2036, and for era 1 after it. */
export function wallUsOfNtp(seconds: number, fraction: number): number {
  // Era 1 starts on 2036-02-07; a top bit of zero can only be era 1, since era 0 before 1968 holds no RTP.
  const era = seconds < 0x8000_0000 ? FRACTION : 0;
  return (seconds + era - NTP_TO_UNIX_S) * 1e6 + Math.round((fraction * 1e6) / FRACTION);
}

/** NTP words of a 64-bit bigint, as werift-rtp's sender reports carry it. */
export function wallUsOfNtpBigint(ntp: bigint): number {
  return wallUsOfNtp(Number(ntp >> 32n), Number(ntp & 0xffff_ffffn));
}

/** The bigint form that werift-rtp's sender reports want. */
export function ntpBigintOfWallUs(wallUs: number): bigint {
  const { seconds, fraction } = ntpOfWallUs(wallUs);
  return (BigInt(seconds) << 32n) | BigInt(fraction);
}
