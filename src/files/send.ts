import { open, type FileHandle } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { AetherError } from '../kernel/errors';
import { answerDownload, type Piece, type SendOptions } from './download-answer';
import type { StoredFile } from './store';

const chunkBytes = 128 * 1024;

/**
 * Answers GET and HEAD with a file: conditions, one or many ranges, and headers under which nothing in the file can act
 * in our origin. Resolves when all is sent or the client has gone.
 * @throws AetherError NOT_FOUND before any header is set, when the bytes have just been deleted
 */
export async function sendFile(
  req: IncomingMessage,
  res: ServerResponse,
  file: StoredFile,
  options: SendOptions,
): Promise<void> {
  const { status, headers, body } = answerDownload(req, file, options);
  const handle = await openBytes(file);
  try {
    for (const [name, value] of Object.entries(options.extraHeaders ?? {})) res.setHeader(name, value);
    res.writeHead(status, headers);
    if (req.method === 'HEAD') res.end();
    else await pipeline(() => read(handle, body), res);
  } catch (error) {
    if (!isHangUp(error)) throw error;
  } finally {
    await handle.close();
  }
}

async function* read(handle: FileHandle, pieces: Piece[]): AsyncGenerator<string | Buffer> {
  for (const piece of pieces) {
    if (typeof piece === 'string') {
      yield piece;
      continue;
    }
    for (let position = piece.start; position <= piece.end;) {
      const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, piece.end - position + 1));
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
      // The length is promised: breaking the connection off is the only way left to tell.
      if (bytesRead === 0) throw new Error('A stored file is shorter than its size.');
      position += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
  }
}

async function openBytes({ path, sha256 }: StoredFile): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new AetherError('NOT_FOUND', `There is no file with hash ${sha256}.`);
  }
}

function isHangUp(error: unknown): boolean {
  const code = String((error as NodeJS.ErrnoException).code);
  return [
    'ERR_STREAM_PREMATURE_CLOSE',
    'ERR_STREAM_DESTROYED',
    'ERR_STREAM_UNABLE_TO_PIPE',
    'ECONNRESET',
    'EPIPE',
  ].includes(code);
}
