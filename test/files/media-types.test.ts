import {
  acceptContentType,
  acceptExtension,
  allowedExtensions,
  contentTypeByName,
  isShownInline,
  sniff,
} from '../../src/files/media-types';

const png = Buffer.from('89504e470d0a1a0a0000000d4948445200000001000000010806000000', 'hex');
const zip = Buffer.concat([Buffer.from('504b0304140000000000', 'hex'), Buffer.alloc(40)]);
const exe = Buffer.concat([Buffer.from('MZ\x90\0\x03\0\0\0', 'latin1'), Buffer.alloc(120)]);
const elf = Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01', 'latin1'), Buffer.alloc(57)]);
const machO = Buffer.concat([Buffer.from('cffaedfe07000001', 'hex'), Buffer.alloc(56)]);
const javaClass = Buffer.concat([Buffer.from('cafebabe00000037', 'hex'), Buffer.alloc(56)]);

const typeOf = async (name: string, bytes: Buffer | string) =>
  acceptContentType(name, await sniff(Buffer.from(bytes as string)));

test.each([
  ['a.png', png, 'image/png'],
  ['a.jpg', png, 'image/png'],
  ['a.html', png, 'image/png'],
  ['a.pdf', '%PDF-1.7\n', 'application/pdf'],
  ['a.bin', '%PDF-1.7\n', 'application/pdf'],
  ['a.zip', zip, 'application/zip'],
  ['a.pptx', zip, allowedExtensions['pptx']],
  ['a.key', zip, 'application/vnd.apple.keynote'],
  ['a.png', zip, 'application/zip'],
  ['a.svg', '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', 'image/svg+xml'],
  ['a.svg', '<svg/>', 'image/svg+xml'],
  ['a.png', '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', 'application/xml'],
  ['a.html', '<!doctype html><script>alert(1)</script>', 'text/html'],
  ['a.csv', 'MZ,name\n1,Ada\n', 'text/csv'],
  ['a.csv', 'BMI,height\n20,170\n', 'text/csv'],
  ['a.JSON', '{}', 'application/json'],
  ['a.txt', '', 'text/plain'],
])('%s is recorded by its bytes, else by its name', async (name, bytes, type) => {
  expect(await typeOf(name, bytes)).toBe(type);
});

test.each([
  ['a.pdf', exe],
  ['a.csv', exe],
  ['a.zip', elf],
  ['a.bin', machO],
  ['a.jpg', javaClass],
])('a program called %s is refused', async (name, bytes) => {
  await expect(typeOf(name, bytes)).rejects.toMatchObject({ code: 'UNSUPPORTED_MEDIA_TYPE' });
});

test('what a double click would run is refused by its name, and so is a name that tells no type', () => {
  const names = 'exe bat cmd com msi scr ps1 sh js mjs jar vbs app dll lnk hta php py apk dmg'
    .split(' ')
    .map((extension) => `setup.${extension}`);
  for (const name of [...names, 'README', 'setup.EXE', 'a.constructor', 'a.__proto__'])
    expect(() => acceptExtension(name)).toThrow(expect.objectContaining({ status: 415 }) as Error);
});

test('only what cannot hold a script is shown inline', () => {
  for (const type of [
    'image/png',
    'Image/JPEG',
    'application/pdf',
    'audio/ogg; codecs=opus',
    'video/mp4',
    'text/plain; charset=x',
  ])
    expect(isShownInline(type)).toBe(true);
  for (const type of [
    'text/html',
    'TEXT/HTML; charset=utf-8',
    'image/svg+xml',
    'application/xml',
    'text/xml',
    'application/xhtml+xml',
    'text/css',
    'text/javascript',
    'application/json',
    'application/zip',
    '',
    'image/',
    'multipart/mixed',
  ])
    expect(isShownInline(type)).toBe(false);
});

test('a file of unknown name is a row of bytes', () => {
  expect(contentTypeByName('talk.MP4')).toBe('video/mp4');
  expect(contentTypeByName('talk')).toBe('application/octet-stream');
  expect(contentTypeByName('talk.constructor')).toBe('application/octet-stream');
});
