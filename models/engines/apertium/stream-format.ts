/**
 * Apertium's stream format (wiki.apertium.org, "Apertium stream format"): plain text between lexical units, with the
 * characters that mean something escaped by a backslash, blanks in square brackets, and `*`, `@` or `#` before a word
 * that the dictionaries, the transfer or the generator did not know.
 */

/** Escapes text, so that no character of it is read as markup, and ends it as one request. */
export function encodeRequest(text: string): string {
  // Tabs, line ends and NUL would split a request; they never carry meaning in one clause.
  const plain = text
    .replace(/\p{Cc}+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return `${plain.replace(/[\\^$[\]{}<>/@*~#+]/g, '\\$&')}[][\n]\0`;
}

export interface DecodedReply {
  readonly text: string;
  readonly unknownWords: readonly string[];
}

/** Takes blanks, escapes and marks out of a reply. */
export function decodeReply(reply: string): DecodedReply {
  const unknownWords: string[] = [];
  let text = '';
  let bracketed = false;
  for (let at = 0; at < reply.length; at++) {
    const char = reply[at]!;
    if (char === '\\') {
      at++;
      if (!bracketed) text += reply[at] ?? '';
    } else if (char === '[') bracketed = true;
    else if (char === ']') bracketed = false;
    else if (bracketed) continue;
    else if (char === '*' || char === '@' || char === '#') {
      const word = reply.slice(at + 1).match(/^[\p{L}\p{N}\p{M}][\p{L}\p{N}\p{M}'’-]*/u)?.[0];
      // `#` marks a known word that could not be inflected: its lemma is still in the target language.
      if (word !== undefined && char !== '#') unknownWords.push(word);
    } else if (char !== '~') text += char;
  }
  return { text: text.replace(/\s+/g, ' ').trim(), unknownWords };
}
