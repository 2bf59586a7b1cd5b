/** How often each n-gram of `items` occurs; keys join the items with a character no token holds. */
export function countNgrams(items: readonly string[], order: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + order <= items.length; i++) {
    const key = items.slice(i, i + order).join('\u0000');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** Splits at white space as Python's `str.split()` does, which the reference scorers are written in. */
export function splitWords(text: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are white space to Python.
  return text.split(/[\s\u001c-\u001f\u0085]+/u).filter((word) => word !== '');
}
