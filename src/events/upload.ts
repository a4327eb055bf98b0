import { hostFile, linkFile } from '../files/hosted';
import type { UploadForm } from '../files/multipart';
import type { Context } from '../kernel/context';
import { entityOf } from '../kernel/entity';
import { unprocessable } from '../kernel/errors';
import { extensionOf } from '../files/names';
import { mayWrite } from '../kernel/tenancy';
import { write } from '../kernel/unit-of-work';
import { insertObject } from '../kernel/write';

/** Asked before the first byte is read. */
export const mayUpload = (ctx: Context): void => {
  for (const table of ['event_file', 'hosted_file', 'hosted_file_link'])
    mayWrite(ctx, entityOf(table), 'create');
};

/**
 * Makes one event file of each file in the form, at the object that `for_type` and `for_id` name (an event by `event_id` alone).
 * Rows and bytes appear together: the bytes are put into the store last, before the transaction commits.
 * Answers the public ids of the event files.
 */
export async function uploadEventFiles(ctx: Context, { fields, files }: UploadForm): Promise<string[]> {
  const type = fields.for_type ?? (fields.event_id === undefined ? undefined : 'event');
  const target = fields.for_id ?? fields.event_id;
  if (type === undefined || target === undefined)
    throw unprocessable('An event file needs for_type and for_id.');
  return write(ctx, async (unit) => {
    const ids: string[] = [];
    for (const file of files) {
      const hosted = await hostFile(unit, file);
      const input = {
        forType: type,
        forId: target,
        eventId: fields.event_id,
        hostedFileId: hosted,
        name: fields.title ?? file.filename,
        title: fields.title,
        filePurpose: fields.file_purpose,
        filename: file.filename,
        extension: extensionOf(file.filename),
      };
      const id = await insertObject(unit, entityOf('event_file'), input);
      await linkFile(unit, hosted, 'event_file', id);
      ids.push(id);
    }
    for (const { received } of files) await received.commit();
    return ids;
  });
}
