import { z } from 'zod';

/*
 * A recording is a file of lines; each is JSON, an entry of the HTTP archive format (HAR 1.2): a request, and the answer that it
 * got. Of an entry only what stands here is looked at, so those that browsers and proxies write can be replayed as well.
 */

const headers = z.array(z.object({ name: z.string(), value: z.string() }));

const entry = z.object({
  request: z.object({
    method: z.string(),
    url: z.url(),
    headers,
    /** A body without `text` was not recorded: it was too large, or nothing that secrets can be told from. */
    postData: z
      .object({
        mimeType: z.string().default(''),
        text: z.string().optional(),
        _encoding: z.literal('base64').optional(),
      })
      .optional(),
  }),
  response: z.object({
    status: z.number(),
    headers,
    content: z.object({
      mimeType: z.string().default(''),
      text: z.string().optional(),
      encoding: z.string().optional(),
      /** Of bytes, which are no text: their SHA-256 in hex. */
      _sha256: z.string().optional(),
    }),
  }),
});

export type Entry = z.infer<typeof entry>;
export type Header = z.infer<typeof headers>[number];

/** @throws when the line is no entry, saying why */
export function readEntry(line: string): Entry {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error('is not JSON');
  }
  const { data, error } = entry.safeParse(value);
  if (data) return data;
  throw new Error(
    `is no entry of an HTTP archive: ${error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`,
  );
}

export const isFormType = (type: string): boolean => /^application\/x-www-form-urlencoded\b/i.test(type);

export const isJsonType = (type: string): boolean => /^application\/(?:[\w.-]+\+)?json\b/i.test(type);
