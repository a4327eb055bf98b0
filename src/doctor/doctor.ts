import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from '../database/database';
import { apply, ChangeFile, type Applied } from './changes';
import { Examination, type Progress } from './examine';
import { Report } from './report';

export interface DoctorOptions {
  /** Repair what can be repaired, after writing what was there into a new file in this folder. */
  fixInto?: string;
  /** The types to look at; all without it. */
  types?: readonly string[];
  /** Rows that are named of each kind of finding. */
  examples: number;
  told: (progress: Progress) => void;
}

/** What was found, and what came of repairing it. */
export interface Outcome {
  report: Report;
  notes: string[];
  /** The file of changes; none when nothing was to be repaired. */
  file?: string;
  applied?: Applied;
}

/**
 * Examines a database, and repairs it when asked to.
 * @throws Error when there is nothing to look at. Nothing has been changed when anything is thrown.
 */
export async function doctor(
  database: Database,
  { fixInto, types, examples, told }: DoctorOptions,
): Promise<Outcome> {
  const examination = await Examination.of(database, types);
  const { notes } = examination;
  const report = new Report(examples);
  let file: ChangeFile | undefined;
  try {
    for await (const page of examination.findings((progress) => {
      told(progress);
      report.progress(progress);
    })) {
      report.add(page);
      if (fixInto !== undefined && page.some(({ repair }) => repair))
        await (file ??= await newFile(fixInto)).add(page);
    }
  } finally {
    await file?.close();
  }
  if (!file) return { report, notes };
  return { report, notes, file: file.path, applied: await apply(database, file.path, 'make') };
}

async function newFile(folder: string): Promise<ChangeFile> {
  await mkdir(folder, { recursive: true });
  const moment = new Date().toISOString().replaceAll(':', '-');
  return ChangeFile.create(join(folder, `doctor-${moment}.ndjson`));
}
