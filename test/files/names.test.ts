import fc from 'fast-check';
import { cleanFilename, extensionOf } from '../../src/files/names';

test.each([
  ['slides.pdf', 'slides.pdf'],
  ['../../etc/passwd', 'passwd'],
  ['C:\\fakepath\\slides.pdf', 'slides.pdf'],
  ['a/b\\c.txt', 'c.txt'],
  ['/', 'file'],
  ['', 'file'],
  ['..', 'file'],
  [' . . ', 'file'],
  ['evil.exe. . ', 'evil.exe'],
  ['.htaccess', 'htaccess'],
  ['a\u0000b\r\nc\u007f.pdf', 'abc.pdf'],
  ['invoice\u202efdp.exe', 'invoicefdp.exe'],
  ['\u2066a\u2069\u200e.pdf', 'a.pdf'],
  ['\ufeffa\u2028b.txt', 'ab.txt'],
  ['half\ud800.txt', 'half.txt'],
  ['CON', '_CON'],
  ['con.txt', '_con.txt'],
  ['LPT1.tar.gz', '_LPT1.tar.gz'],
  ['com¹.txt', '_com¹.txt'],
  ['nul .txt', '_nul .txt'],
  ['console.txt', 'console.txt'],
  ['Zoe\u0308.pdf', 'Zo\u00eb.pdf'],
  ['発表 資料 👩‍🔬.pptx', '発表 資料 👩‍🔬.pptx'],
  [`say "hi"; it's 100% <b>.txt`, `say "hi"; it's 100% <b>.txt`],
  ['\u202a\u202b', 'file'],
])('%j is saved as %j', (name, clean) => {
  expect(cleanFilename(name)).toBe(clean);
});

test('a long name is cut between characters, and keeps its extension', () => {
  const clean = cleanFilename(`${'ä'.repeat(300)}.pptx`);
  expect(clean).toBe(`${'ä'.repeat(125)}.pptx`);
  expect(cleanFilename('👩'.repeat(100))).toBe('👩'.repeat(63));
  expect(cleanFilename(`${'a'.repeat(250)} ${'b'.repeat(9)}.pdf`)).toBe(`${'a'.repeat(250)}.pdf`);
});

test('whatever comes in, the name is harmless, and cleaning it again changes nothing', () => {
  const piece = fc.constantFrom(
    '.',
    ' ',
    '/',
    '\\',
    '\0',
    '\u202e',
    'CON',
    'aux',
    'ä',
    '👩',
    '.pdf',
    '\ud800',
  );
  const name = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.oneof(piece, fc.string({ unit: 'grapheme' })), { maxLength: 60 })
      .map((parts) => parts.join('')),
    fc.string({ unit: 'grapheme', minLength: 100, maxLength: 400 }),
  );
  fc.assert(
    fc.property(name, (input) => {
      const clean = cleanFilename(input);
      expect(clean).not.toBe('');
      expect(clean).not.toMatch(/[/\\\p{Cc}\p{Cs}\u202a-\u202e]|^[.\s]|[.\s]$/u);
      expect(Buffer.byteLength(clean)).toBeLessThanOrEqual(255);
      expect(cleanFilename(clean)).toBe(clean);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ['a.PDF', 'pdf'],
  ['archive.tar.gz', 'gz'],
  ['pdf', ''],
  ['.pdf', ''],
  ['a.', ''],
  ['a.b c', ''],
  ['a.seventeencharacte', ''],
])('the extension of %j is %j', (name, extension) => {
  expect(extensionOf(name)).toBe(extension);
});
