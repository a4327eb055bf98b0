import { createHash } from 'node:crypto';
import { AetherError, invalid } from '../kernel/errors';
import { findReceipt, keepAnswer, receiptMs } from '../kernel/receipts';
import { crudFailure, type Answer } from './envelope';
import type { RestRequest } from './request';

/** How long an answer is kept. */
const keptSeconds = receiptMs / 1000;
/** How long a request may take before it counts as lost with the process that ran it. */
const runningSeconds = 60;

/** What is kept of a request, until it is answered without an answer. */
interface Kept {
  body: string;
  answer?: Answer;
}

/**
 * Answers a request with an `Idempotency-Key` once: the same again gets the first answer, even from another process, or after one that
 * died between doing it and answering: then `recover` answers it. A failure that will pass is not kept. As the draft of the header has it (draft-ietf-httpapi-idempotency-key-header), but that another body under
 * the same key is a conflict.
 * @throws CONFLICT when the key came with another body before, or the first such request is still running
 */
export async function answerOnce(
  request: RestRequest,
  work: () => Promise<Answer>,
  recover: (request: RestRequest, id: string) => Promise<Answer>,
): Promise<Answer> {
  const header = request.header('idempotency-key');
  if (header === undefined) return work();
  const { ctx } = request;
  const { cache, database, now } = ctx.services;
  const name = nameOf(request, header);
  const body = digest(JSON.stringify(request.body));
  while (!(await cache.add(name, JSON.stringify({ body } satisfies Kept), runningSeconds))) {
    const text = await cache.get(name);
    // It was there, and is not: its time was over in between.
    if (text === null) continue;
    const kept = JSON.parse(text) as Kept;
    if (kept.body !== body) throw usedOtherwise();
    if (!kept.answer)
      throw new AetherError('CONFLICT', 'The first request with this Idempotency-Key is still running.', {
        retryAfter: 1,
      });
    return replayed(kept.answer);
  }

  try {
    const receipt = await findReceipt(database, name, now());
    if (receipt && receipt.request !== body) throw usedOtherwise();
    ctx.receipt = { name, request: body };
    const answer = receipt
      ? receipt.answer === null
        ? await recover(request, receipt.objectId)
        : (JSON.parse(receipt.answer) as Answer)
      : await settled(work);
    // Once it has been done, being told so matters more than being told so again.
    await cache
      .set(name, JSON.stringify({ body, answer } satisfies Kept), keptSeconds)
      .catch((error: unknown) => {
        ctx.log.warn({ err: error }, 'an answer could not be kept for its Idempotency-Key');
      });
    if (receipt) return replayed(answer);
    if (answer.status === 200)
      await keepAnswer(database, name, JSON.stringify(answer)).catch((error: unknown) => {
        ctx.log.warn({ err: error }, 'an answer could not be kept with its receipt');
      });
    return answer;
  } catch (error) {
    // Where that fails too, the key is free again in a minute.
    await cache.delete(name).catch(() => undefined);
    throw error;
  }
}

const usedOtherwise = (): AetherError =>
  new AetherError('CONFLICT', 'This Idempotency-Key was used for another request.');

const replayed = (answer: Answer): Answer => ({
  ...answer,
  headers: { ...answer.headers, 'Idempotent-Replayed': 'true' },
});

/** An answer that will be the same again: also what is refused for good. */
async function settled(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AetherError && error.status < 500 && error.details.retryAfter === undefined)
      return crudFailure(error);
    throw error;
  }
}

/** A key means nothing to other callers, and elsewhere. */
function nameOf({ ctx: { viewer }, place }: RestRequest, header: string): string {
  const key = /^"(.*)"$/.exec(header)?.[1] ?? header;
  if (!/^[\x20-\x7e]{1,255}$/.test(key))
    throw invalid({ 'Idempotency-Key': 'has 1 to 255 printable ASCII characters' });
  const { account, person, user, level } = viewer;
  return `idempotency:${digest(key, place, viewer.key.id, account?.id, person?.id, user?.id, level)}`;
}

const digest = (...parts: (string | undefined)[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
