/** A piece of text: words to be spoken, or the punctuation between them. */
export interface TextPiece {
  readonly kind: 'words' | 'punctuation';
  readonly text: string;
}

/** Punctuation that neural voices were trained with: it shapes pauses and melody. */
const PUNCTUATION = /\s*[;:,.!?…—]+(?=[\s"'”»)\]]|$)|[¡¿"“”«»()[\]{}]+|\s[–—-]+\s/gu;
/** Titles and initials, whose point ends no sentence. */
const TITLE =
  /(?:^|[\s(])(?:mr|mrs|ms|dr|st|prof|sr|sra|dra|jr|vs|núm|mme|mlle|dott|sig|gen|col|lt|rev|inc|ltd)$/iu;
const INITIAL = /(?:^|[\s(.])(?!I)\p{Lu}$/u;

/** Cuts text at punctuation that a speaker hears; points inside numbers and after titles stay in the words. */
export function cutAtPunctuation(text: string): TextPiece[] {
  const pieces: TextPiece[] = [];
  let from = 0;
  const words = (to: number): void => {
    const part = text.slice(from, to).trim();
    if (part) pieces.push({ kind: 'words', text: part });
  };
  for (const match of text.matchAll(PUNCTUATION)) {
    const sign = match[0].trim();
    const rest = text.slice(match.index + match[0].length).trim();
    const before = text.slice(from, match.index);
    if (sign === '.' && rest !== '' && (TITLE.test(before) || INITIAL.test(before))) continue;
    words(match.index);
    pieces.push({ kind: 'punctuation', text: sign });
    from = match.index + match[0].length;
  }
  words(text.length);
  return pieces;
}

/**
 * Joins pieces into sentences: each ends with `.`, `!`, `?` or `…` and what closes it.
 * @returns no empty sentence; one without words is dropped
 */
export function intoSentences(pieces: readonly TextPiece[]): TextPiece[][] {
  const sentences: TextPiece[][] = [];
  let current: TextPiece[] = [];
  const end = (): void => {
    if (current.some(({ kind }) => kind === 'words')) sentences.push(current);
    current = [];
  };
  let ended = false;
  for (const piece of pieces) {
    const closes = piece.kind === 'punctuation' && /^["”»)\]]+$/u.test(piece.text);
    if (ended && !closes) {
      end();
      ended = false;
    }
    current.push(piece);
    if (piece.kind === 'punctuation' && /[.!?…]/u.test(piece.text)) ended = true;
  }
  end();
  return sentences;
}

/**
 * Reads eSpeak's IPA trace: phonemes are joined by `_`, words by spaces, clauses by line ends; a word of another language
 * is marked `(en)…(es)`.
 * @returns phonemes (stress mark in front) with `' '` between words
 */
export function readEspeakIpa(ipa: string): string[] {
  const words = ipa
    .replace(/\([a-z]{2,3}(?:-[a-z0-9-]+)?\)/gu, ' ')
    .normalize('NFD')
    .split(/\s+/u)
    .filter((word) => word !== '');
  return words.flatMap((word, i) => [
    ...(i > 0 ? [' '] : []),
    ...word.split('_').filter((phoneme) => phoneme !== ''),
  ]);
}
