import type { Mode } from '../../../server/live/contract.ts';

export type CaptionSize = 'small' | 'medium' | 'large';
export type CaptionBackground = 'solid' | 'shade' | 'none';

/** What a viewer has chosen before, of one channel. */
export interface Preferences {
  readonly language?: string | null;
  readonly mode?: Mode;
  readonly captions?: string | null;
  readonly face?: boolean;
  readonly balance?: number;
  readonly volume?: number;
  readonly captionSize?: CaptionSize;
  readonly captionBackground?: CaptionBackground;
}

/** Empty where nothing was kept or the browser keeps nothing. */
export function readPreferences(key: string): Preferences {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(key) ?? '{}');
    return typeof found === 'object' && found !== null ? (found as Preferences) : {};
  } catch {
    return {};
  }
}

export function keepPreferences(key: string, change: Preferences): void {
  try {
    localStorage.setItem(key, JSON.stringify({ ...readPreferences(key), ...change }));
  } catch {
    // Private windows and full stores: the choice holds for this visit.
  }
}

export function preferencesKey(baseUrl: string, channel: string): string {
  return `livedub ${new URL(baseUrl).host} ${channel}`;
}
