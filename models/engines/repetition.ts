/**
 * True when a text runs in a loop, as decoders do on sound that is not speech: a phrase of 1 to 8 words said at least
 * four times in a row (three from four words on).
 */
export function repeatsItself(text: string): boolean {
  const words = text.toLowerCase().match(/[\p{L}\p{M}\p{N}'’]+/gu) ?? [];
  for (let length = 1; length <= 8; length++) {
    const times = length >= 4 ? 3 : 4;
    let run = 0;
    for (let i = length; i < words.length; i++) {
      run = words[i] === words[i - length] ? run + 1 : 0;
      if (run >= length * (times - 1)) return true;
    }
  }
  return false;
}
