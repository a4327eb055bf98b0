import type { RestAnswer } from './callers';

/** What every answer carries, errors too. */
export function expectHeaders({ headers }: { headers: Headers }): void {
  expect(headers.get('x-request-id')).toMatch(/^[\w.:-]{1,64}$/);
  expect(headers.get('access-control-allow-origin')).toBe('*');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('x-powered-by')).toBeNull();
}

/** A failed call of CRUD, as clients of the older service know it. */
export function expectCrudError(answer: RestAnswer, status: number, category?: string): void {
  expect({ status: answer.status, body: answer.body }).toEqual({
    status,
    body: {
      data: false,
      meta: {
        status_code: status,
        status_name: expect.any(String),
        status_message: expect.any(String),
        success: false,
        details: category
          ? {
              category,
              code: expect.anything(),
              message: expect.any(String),
              recoverable: expect.any(Boolean),
            }
          : expect.any(Object),
      },
    },
  });
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  expectHeaders(answer);
  expectNoInternals(answer);
}

/** The same of an action. */
export function expectActionError(answer: RestAnswer, status: number): void {
  const one = { loc: expect.any(Array), msg: expect.any(String), type: expect.any(String) };
  expect({ status: answer.status, body: answer.body }).toEqual({
    status,
    body: { detail: status === 422 ? [one] : expect.any(String) },
  });
  expectHeaders(answer);
  expectNoInternals(answer);
}

/** Neither SQL nor a place in our code is for callers. */
const expectNoInternals = ({ body }: RestAnswer): void => {
  expect(JSON.stringify(body)).not.toMatch(/SELECT |INSERT |SQLITE|conn:|node_modules|\.ts:\d|at Object/);
};
