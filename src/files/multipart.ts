import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import busboy from 'busboy';
import { drain } from '../http';
import { AetherError, badRequest, unprocessable } from '../kernel/errors';
import { acceptContentType, acceptExtension, essence } from './media-types';
import { cleanFilename } from './names';
import type { FileStore, Received } from './store';

/** One file of a form: its bytes are on disk, but not in the store before `received.commit()`. */
export interface UploadedFile {
  /** The name of the form field. */
  field: string;
  /** Cleaned, with an extension that is allowed. */
  filename: string;
  contentType: string;
  received: Received;
}

/** A form, in which every file is waiting to be committed or discarded. */
export interface UploadForm {
  fields: Record<string, string>;
  /** At least one, in the order of the form. */
  files: UploadedFile[];
}

export interface UploadLimits {
  store: FileStore;
  /** For each file. */
  maxBytes: number;
  maxFiles?: number;
  maxFields?: number;
}

const maxFieldBytes = 64 * 1024;

/**
 * Reads a multipart form and receives every part of it that has a filename. When anything is wrong, all that was
 * received is discarded, and the rest of the request is read into nowhere, so that the client gets to see the answer.
 * @throws AetherError UNSUPPORTED_MEDIA_TYPE not a form, or a file that is not accepted; BAD_REQUEST malformed or
 * incomplete; PAYLOAD_TOO_LARGE above a limit; UNPROCESSABLE without a file
 */
export async function readMultipart(req: IncomingMessage, limits: UploadLimits): Promise<UploadForm> {
  const files: Promise<UploadedFile>[] = [];
  try {
    const fields = await parse(req, limits, files);
    if (files.length === 0) throw unprocessable('The form has no file in it.');
    return { fields, files: await Promise.all(files) };
  } catch (error) {
    const mayAnswer = drain(req);
    const settled = await Promise.allSettled(files);
    for (const file of settled) if (file.status === 'fulfilled') await file.value.received.discard();
    await mayAnswer;
    throw error;
  }
}

/** Gives the fields once the form has ended; each file is pushed to `files` as soon as it begins. */
function parse(
  req: IncomingMessage,
  { store, maxBytes, maxFiles = 100, maxFields = 100 }: UploadLimits,
  files: Promise<UploadedFile>[],
): Promise<Record<string, string>> {
  const parser = openParser(req, { files: maxFiles, fields: maxFields, fieldSize: maxFieldBytes + 1 });
  const fields = new Map<string, string>();

  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      reject(error);
      req.unpipe(parser);
      // Ends the file that is being received, too.
      parser.destroy();
    };

    parser.on('file', (field: string | undefined, stream, { filename }: { filename?: string }) => {
      stream.on('error', () => {});
      // A parser that was destroyed still tells of the parts in the piece it was reading.
      if (parser.destroyed) stream.resume();
      // A browser sends a part without a name and without bytes for a file input that was left empty.
      else if (filename === undefined)
        stream.on('data', () => fail(badRequest('The form has a file without a filename.')));
      else {
        const details = { field: field ?? '', filename: cleanFilename(filename), maxBytes };
        const file = receiveFile(store, stream, details);
        file.catch(fail);
        files.push(file);
      }
    });
    parser.on('field', (name: string | undefined, value, { valueTruncated }) => {
      if (name === undefined) fail(badRequest('The form has a field without a name.'));
      else if (valueTruncated) fail(tooLarge(`The field "${name}" is larger than ${maxFieldBytes} bytes.`));
      else if (fields.has(name) && fields.get(name) !== value)
        fail(badRequest(`The field "${name}" is in the form twice, with different values.`));
      else fields.set(name, value);
    });
    parser.on('filesLimit', () => fail(tooLarge(`The form has more than ${maxFiles} files.`)));
    parser.on('fieldsLimit', () => fail(tooLarge(`The form has more than ${maxFields} fields.`)));
    parser.on('error', (error: Error) => fail(badRequest(`The form is malformed: ${error.message}.`)));
    parser.on('close', () => resolve(Object.fromEntries(fields)));

    const hungUp = (): void => fail(badRequest('The upload ended before it was complete.'));
    req.on('close', () => {
      if (!req.complete) hungUp();
    });
    if (req.destroyed) hungUp();
    else req.pipe(parser);
  });
}

function openParser(req: IncomingMessage, limits: busboy.Limits): busboy.Busboy {
  if (essence(req.headers['content-type'] ?? '') !== 'multipart/form-data')
    throw new AetherError('UNSUPPORTED_MEDIA_TYPE', 'An upload is sent as multipart/form-data.');
  try {
    return busboy({ headers: req.headers, defParamCharset: 'utf8', limits });
  } catch (error) {
    throw badRequest(`The form is malformed: ${(error as Error).message}.`);
  }
}

async function receiveFile(
  store: FileStore,
  stream: Readable,
  { field, filename, maxBytes }: { field: string; filename: string; maxBytes: number },
): Promise<UploadedFile> {
  // Before gigabytes of it have come.
  acceptExtension(filename);
  const received = await store.receive(stream, { maxBytes });
  try {
    return { field, filename, contentType: acceptContentType(filename, received.sniffed), received };
  } catch (error) {
    await received.discard();
    throw error;
  }
}

const tooLarge = (message: string): AetherError => new AetherError('PAYLOAD_TOO_LARGE', message);
