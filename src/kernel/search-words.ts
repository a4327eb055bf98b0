/*
 * What a search takes for words. Text is stored as its words, and a search is made of words, so that every database need only
 * compare them byte for byte, and all of them find the same.
 */

/** InnoDB indexes no longer ones; two words that begin alike for so long are the same. */
const maxWord = 60;

/** Letters that Unicode takes for letters of their own, and most keyboards do not have. */
const plain: Record<string, string> = { æ: 'ae', œ: 'oe', ø: 'o', đ: 'd', ð: 'd', ł: 'l', þ: 'th' };

/** Scripts that put no space between words: there each character is taken for one. */
const unspaced =
  /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]\p{M}*/gu;

/**
 * The words of a text, one space between them: letters, their marks and digits, without case and accents. Whatever else there is
 * parts words; tags of HTML are not part of the text.
 */
export function wordsOf(text: string): string {
  const bare = text
    .replace(/<\/?(?:b|i|em|strong|su[bp])\s*>/gi, '')
    .replace(/<\/?[a-z][a-z0-9]*(?:\s[^<>]*)?\/?>/gi, ' ')
    .normalize('NFKD')
    // Both ways: `ß` is written `SS`, and `ς` is a `Σ`.
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[\u0300-\u036f\p{DI}]/gu, '')
    .replace(/[æœøđðłþς]/g, (letter) => plain[letter] ?? 'σ')
    .normalize('NFKC')
    .replace(unspaced, ' $& ');
  return (bare.match(/[\p{L}\p{N}][\p{L}\p{M}\p{N}]*/gu) ?? [])
    .map((word) => (word.length > maxWord ? [...word].slice(0, maxWord).join('') : word))
    .join(' ');
}

/**
 * What a search asks for: each of these must be found in the words of a text, from the beginning of one. What was written without a
 * space, such as `o'brien`, is found as it was written: its words stand beside each other.
 */
export const phrasesOf = (q: string): string[] =>
  q
    .split(/\s+/)
    .map(wordsOf)
    .filter((words) => words !== '');
