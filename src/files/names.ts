const maxBytes = 255;

/** Control characters, line and paragraph separators, halves of surrogate pairs, byte order marks. */
const invisible = /[\p{Cc}\p{Cs}\u2028\u2029\ufeff]/gu;
/** Marks that turn the direction of the text: `exe.` can be made to read as `.fdp`. */
const turning = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
/** Windows drops these at either end of a name, and a leading dot hides a file elsewhere. */
const edges = /^[.\s]+|[.\s]+$/gu;
/** Windows opens a device under these names, whatever extension follows. */
const device = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(?:\.|$)/i;

/**
 * A name under which the file can be saved anywhere: the last part of a path, without characters that deceive or
 * break, 255 bytes of UTF-8 at most (the extension survives the cut), never empty. Cleaning twice changes nothing.
 */
export function cleanFilename(name: string): string {
  const last = name.normalize('NFC').split(/[/\\]/).pop() ?? '';
  const visible = last.replace(invisible, '').replace(turning, '').replace(edges, '');
  const harmless = device.test(visible) ? `_${visible}` : visible;
  return cut(harmless) || 'file';
}

/** What follows the last dot, in lower case: `pdf`. Empty when nothing that looks like an extension does. */
export function extensionOf(name: string): string {
  return /[^.]\.([a-z0-9]{1,16})$/i.exec(name)?.[1]?.toLowerCase() ?? '';
}

function cut(name: string): string {
  if (Buffer.byteLength(name) <= maxBytes) return name;
  const extension = extensionOf(name);
  const ending = extension && name.slice(-extension.length - 1);
  let room = maxBytes - ending.length;
  let stem = '';
  for (const character of name.slice(0, name.length - ending.length)) {
    room -= Buffer.byteLength(character);
    if (room < 0) break;
    stem += character;
  }
  return stem.replace(edges, '') + ending;
}
