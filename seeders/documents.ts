import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Services } from '../src/kernel/context';

/** A small file, with what a hosted file's row says of it. */
export interface Document {
  filename: string;
  extension: string;
  contentType: string;
  bytes: Buffer;
  hashSha256: string;
  size: number;
}

export const textDocument = (filename: string, text: string): Document =>
  documentOf(filename, 'txt', 'text/plain', Buffer.from(text));

/** A PDF of one page that shows these lines; plain ASCII only. */
export function pdfDocument(filename: string, lines: string[]): Document {
  const text = lines.map((line) => `(${line.replace(/[\\()]/g, '\\$&')}) Tj T*`).join(' ');
  const content = `BT /F1 18 Tf 24 TL 72 760 Td ${text} ET`;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  let pdf = '%PDF-1.4\n';
  const offsets = objects.map((object, index) => {
    const offset = pdf.length;
    pdf += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(offset).padStart(10, '0')} 00000 n \n`;
  });
  const size = objects.length + 1;
  const table = `xref\n0 ${size}\n0000000000 65535 f \n${offsets.join('')}`;
  const end = `trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${pdf.length}\n%%EOF\n`;
  return documentOf(filename, 'pdf', 'application/pdf', Buffer.from(pdf + table + end, 'latin1'));
}

function documentOf(filename: string, extension: string, contentType: string, bytes: Buffer): Document {
  const hashSha256 = createHash('sha256').update(bytes).digest('hex');
  return { filename, extension, contentType, bytes, hashSha256, size: bytes.length };
}

/** Puts the bytes into the file store, where they are not there yet. */
export async function store({ files }: Pick<Services, 'files'>, documents: Document[]): Promise<void> {
  for (const { bytes, hashSha256, size } of documents) {
    const there = await files.stat(hashSha256);
    if (there?.size === size) continue;
    const received = await files.receive(Readable.from([bytes]), { maxBytes: size });
    await received.commit();
  }
}
