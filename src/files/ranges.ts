/** Both ends belong to it, as in HTTP. */
export interface ByteRange {
  start: number;
  end: number;
}

/** More than a viewer asks for; a client that wants more gets the whole file. */
const maxRanges = 50;

/**
 * Reads a `Range` header for a file of `size` bytes, overlapping and adjacent ranges joined.
 * @returns `whole` when the header is to be ignored, `unsatisfiable` when no range of it has a byte of the file
 */
export function readRanges(header: string, size: number): ByteRange[] | 'whole' | 'unsatisfiable' {
  const [unit, set] = header.split(/=(.*)/s);
  if (unit?.trim().toLowerCase() !== 'bytes' || set === undefined) return 'whole';

  const ranges: ByteRange[] = [];
  // The grammar of lists allows for empty elements.
  const specs = set.split(',').map((spec) => spec.trim());
  for (const spec of specs.filter((spec) => spec !== '')) {
    const [, first = '', last = ''] = /^(\d*)-(\d*)$/.exec(spec) ?? [];
    if (first === '' && last === '') return 'whole';
    if (first !== '' && last !== '' && Number(last) < Number(first)) return 'whole';

    const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
    const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
    if (start <= end) ranges.push({ start, end });
    // The last bytes of an empty file exist, all none of them; only a whole answer can say so.
    else if (size === 0 && first === '' && Number(last) > 0) return 'whole';
  }
  if (ranges.length === 0) return specs.some((spec) => spec !== '') ? 'unsatisfiable' : 'whole';

  const joined = join(ranges);
  return joined.length > maxRanges ? 'whole' : joined;
}

/** Each joined range stands where its first one stood: clients order them by need. */
function join(ranges: ByteRange[]): ByteRange[] {
  const joined: (ByteRange & { place: number })[] = [];
  const byStart = ranges.map((range, place) => ({ ...range, place })).sort((a, b) => a.start - b.start);
  for (const range of byStart) {
    const before = joined.at(-1);
    if (before && range.start <= before.end + 1) {
      before.end = Math.max(before.end, range.end);
      before.place = Math.min(before.place, range.place);
    } else joined.push(range);
  }
  return joined.sort((a, b) => a.place - b.place).map(({ start, end }) => ({ start, end }));
}
