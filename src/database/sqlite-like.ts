type Match = (text: string) => boolean;

const compiled = new Map<string, Match>();
const maxCompiled = 200;

/**
 * SQL's `text LIKE pattern ESCAPE escape` as MariaDB reads it: case does not matter in any script, and `\` is the escape when
 * none is named. Null when an operand is null. Never goes back over text that it has matched, whatever the pattern.
 */
export function like(pattern: unknown, text: unknown, escape: unknown = '\\'): 0 | 1 | null {
  if (pattern == null || text == null) return null;
  const key = `${String(escape)}${String(pattern)}`;
  let match = compiled.get(key);
  if (!match) {
    match = compile(String(pattern).toLowerCase(), String(escape).toLowerCase());
    if (compiled.size >= maxCompiled) compiled.clear();
    compiled.set(key, match);
  }
  return match(String(text).toLowerCase()) ? 1 : 0;
}

/** One character to match, or null for any. */
type Token = string | null;

/** Cuts the pattern at its `%`: the first piece stands at the start, the last at the end, the others anywhere between. */
function compile(pattern: string, escape: string): Match {
  const pieces: Token[][] = [[]];
  const characters = [...pattern];
  for (let i = 0; i < characters.length; i += 1) {
    const character = characters[i] as string;
    const piece = pieces.at(-1) as Token[];
    if (character === escape && i + 1 < characters.length) piece.push(characters[(i += 1)] as string);
    else if (character === '%') pieces.push([]);
    else piece.push(character === '_' ? null : character);
  }
  const [first, ...rest] = pieces as [Token[], ...Token[][]];
  const last = rest.pop();
  if (!last) return (text) => standsAt(first, [...text], 0) && [...text].length === first.length;
  if (first.length === 0 && last.length === 0 && rest.length === 1 && !rest[0]?.includes(null)) {
    const word = (rest[0] as string[]).join('');
    return (text) => text.includes(word);
  }
  return (text) => {
    const given = [...text];
    const end = given.length - last.length;
    if (end < first.length || !standsAt(first, given, 0) || !standsAt(last, given, end)) return false;
    let from = first.length;
    for (const piece of rest) {
      while (from + piece.length <= end && !standsAt(piece, given, from)) from += 1;
      from += piece.length;
      if (from > end) return false;
    }
    return true;
  };
}

const standsAt = (piece: Token[], text: string[], at: number): boolean =>
  piece.every((token, i) => (token === null ? at + i < text.length : token === text[at + i]));
