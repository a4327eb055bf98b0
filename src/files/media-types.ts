import { fileTypeFromBuffer } from 'file-type/core';
import { AetherError } from '../kernel/errors';
import { extensionOf } from './names';

/**
 * The extensions that may be uploaded, with the content type that each stands for. HTML, SVG and XML are here because
 * they are never shown in our origin. What a double click would run is not.
 */
export const allowedExtensions: Readonly<Record<string, string>> = {
  // presentations
  ppt: 'application/vnd.ms-powerpoint',
  pps: 'application/vnd.ms-powerpoint',
  pot: 'application/vnd.ms-powerpoint',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  ppsx: 'application/vnd.openxmlformats-officedocument.presentationml.slideshow',
  potx: 'application/vnd.openxmlformats-officedocument.presentationml.template',
  pptm: 'application/vnd.ms-powerpoint.presentation.macroenabled.12',
  ppsm: 'application/vnd.ms-powerpoint.slideshow.macroenabled.12',
  odp: 'application/vnd.oasis.opendocument.presentation',
  key: 'application/vnd.apple.keynote',
  // documents and tables
  pdf: 'application/pdf',
  doc: 'application/msword',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  dotx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.template',
  odt: 'application/vnd.oasis.opendocument.text',
  rtf: 'application/rtf',
  pages: 'application/vnd.apple.pages',
  epub: 'application/epub+zip',
  xls: 'application/vnd.ms-excel',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  xlsm: 'application/vnd.ms-excel.sheet.macroenabled.12',
  ods: 'application/vnd.oasis.opendocument.spreadsheet',
  odg: 'application/vnd.oasis.opendocument.graphics',
  numbers: 'application/vnd.apple.numbers',
  vsd: 'application/vnd.visio',
  vsdx: 'application/vnd.ms-visio.drawing.main+xml',
  // text and data
  txt: 'text/plain',
  log: 'text/plain',
  md: 'text/markdown',
  csv: 'text/csv',
  tsv: 'text/tab-separated-values',
  json: 'application/json',
  xml: 'application/xml',
  yaml: 'application/yaml',
  yml: 'application/yaml',
  html: 'text/html',
  htm: 'text/html',
  ics: 'text/calendar',
  vcf: 'text/vcard',
  srt: 'application/x-subrip',
  vtt: 'text/vtt',
  eml: 'message/rfc822',
  msg: 'application/vnd.ms-outlook',
  bin: 'application/octet-stream',
  dat: 'application/octet-stream',
  // images
  png: 'image/png',
  apng: 'image/apng',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  jfif: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  avif: 'image/avif',
  heic: 'image/heic',
  heif: 'image/heif',
  bmp: 'image/bmp',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  ico: 'image/x-icon',
  svg: 'image/svg+xml',
  psd: 'image/vnd.adobe.photoshop',
  ai: 'application/postscript',
  eps: 'application/postscript',
  indd: 'application/x-indesign',
  // sound
  mp3: 'audio/mpeg',
  m4a: 'audio/mp4',
  aac: 'audio/aac',
  wav: 'audio/wav',
  flac: 'audio/flac',
  ogg: 'audio/ogg',
  oga: 'audio/ogg',
  opus: 'audio/ogg',
  wma: 'audio/x-ms-wma',
  aif: 'audio/aiff',
  aiff: 'audio/aiff',
  mid: 'audio/midi',
  // moving pictures
  mp4: 'video/mp4',
  m4v: 'video/mp4',
  mov: 'video/quicktime',
  webm: 'video/webm',
  mkv: 'video/x-matroska',
  avi: 'video/x-msvideo',
  wmv: 'video/x-ms-wmv',
  mpg: 'video/mpeg',
  mpeg: 'video/mpeg',
  ogv: 'video/ogg',
  '3gp': 'video/3gpp',
  mts: 'video/mp2t',
  m2ts: 'video/mp2t',
  // archives
  zip: 'application/zip',
  '7z': 'application/x-7z-compressed',
  rar: 'application/vnd.rar',
  tar: 'application/x-tar',
  gz: 'application/gzip',
  tgz: 'application/gzip',
  bz2: 'application/x-bzip2',
  xz: 'application/x-xz',
  // fonts
  ttf: 'font/ttf',
  otf: 'font/otf',
  woff: 'font/woff',
  woff2: 'font/woff2',
};

const programs: ReadonlySet<string> = new Set([
  'application/x-msdownload',
  'application/x-elf',
  'application/x-mach-binary',
  'application/java-archive',
  'application/java-vm',
  'application/vnd.android.package-archive',
  'application/wasm',
  'application/x-deb',
  'application/x-rpm',
  'application/x-apple-diskimage',
  'application/x-shockwave-flash',
  'application/x.ms.shortcut',
  'application/x.apple.alias',
]);

/** Formats that hold other formats: the extension knows better which. */
const containers: ReadonlySet<string> = new Set([
  'application/zip',
  'application/x-cfb',
  'application/gzip',
  'application/xml',
  'application/postscript',
]);

/** What the first bytes of a file tell. */
export interface Sniffed {
  /** Absent when the bytes are those of no format we know. */
  contentType?: string;
  /** No zero byte among them: written text rather than a program or a picture, mostly. */
  text: boolean;
}

/** @param head the first bytes of a file, a few thousand suffice. */
export async function sniff(head: Buffer): Promise<Sniffed> {
  const type = await fileTypeFromBuffer(head);
  return { contentType: type?.mime, text: !head.includes(0) };
}

/**
 * The content type to record for an upload: from its bytes where they tell, else from its name.
 * @throws AetherError UNSUPPORTED_MEDIA_TYPE for an extension that is not allowed, or a program under any name.
 */
export function acceptContentType(filename: string, { contentType, text }: Sniffed): string {
  const named = acceptExtension(filename);
  // A table whose first column is "MZ…" or "BM…" begins like a program or a bitmap; it is neither.
  if (!contentType || (text && isText(named))) return named;
  if (programs.has(contentType)) throw unsupported(`"${filename}" is a program, not what its name says.`);
  return containers.has(contentType) && !isShownInline(named) ? named : contentType;
}

/**
 * The content type that the name stands for. Usable before any byte has arrived.
 * @throws AetherError UNSUPPORTED_MEDIA_TYPE
 */
export function acceptExtension(filename: string): string {
  const extension = extensionOf(filename);
  if (!extension) throw unsupported(`"${filename}" has no extension to tell its type by.`);
  if (!Object.hasOwn(allowedExtensions, extension))
    throw unsupported(`Files of type ".${extension}" are not accepted.`);
  return allowedExtensions[extension] as string;
}

/** For files of which no content type was recorded. */
export function contentTypeByName(filename: string): string {
  const extension = extensionOf(filename);
  return (
    (Object.hasOwn(allowedExtensions, extension) && allowedExtensions[extension]) ||
    'application/octet-stream'
  );
}

/** Whether a browser may show this type in our origin. What can hold a script may not. */
export function isShownInline(contentType: string): boolean {
  const type = essence(contentType);
  if (type === 'application/pdf' || type === 'text/plain') return true;
  return /^(?:image|audio|video)\/[^+]+$/.test(type);
}

/** The type in lower case without parameters: `text/html` of `Text/HTML; charset=utf-8`. */
export const essence = (contentType: string): string =>
  (contentType.split(';')[0] ?? '').trim().toLowerCase();

const isText = (type: string): boolean =>
  /^text\/|^application\/(?:json|yaml|x-subrip)$|^message\//.test(type);

const unsupported = (message: string): AetherError => new AetherError('UNSUPPORTED_MEDIA_TYPE', message);
