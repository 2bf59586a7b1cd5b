import { OWN_NAMES } from './own-names.ts';

/** A language's name in itself, e.g. `es` → `Español`; the code where nobody knows a name. */
export function ownName(code: string): string {
  const known = OWN_NAMES[code];
  if (known !== undefined) return known;
  try {
    const name = new Intl.DisplayNames([code], { type: 'language' }).of(code);
    if (name && name !== code) return name.charAt(0).toLocaleUpperCase(code) + name.slice(1);
  } catch {
    // Not a well-formed code.
  }
  return code;
}

/** Sorted by the names of their languages. */
export function byName<T>(items: readonly T[], code: (item: T) => string): T[] {
  return [...items].sort((a, b) => ownName(code(a)).localeCompare(ownName(code(b))));
}

const TIERS: Readonly<Record<string, string>> = {
  gist: 'Gist tier: the translation gives the gist of what is said. Expect mistakes, and do not rely on the wording.',
  fair: 'Fair tier: mostly right, with mistakes in harder sentences.',
  good: 'Good tier: usually right; check what matters.',
};

/** What a listener is told of a dub's quality. */
export function tierLine(tier: string | undefined): string {
  return TIERS[tier ?? ''] ?? 'Machine translation: it can be wrong.';
}

/** µs → `1:05`. */
export function clock(timeUs: number): string {
  const seconds = Math.floor(timeUs / 1_000_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
