/** Asserts that the database refuses something. */
import assert from "node:assert/strict";
import postgres from "postgres";

/** Asserts that `promise` fails with the SQLSTATE `code`, and with `constraint` if given. Returns the error. */
export async function refused(
  promise: Promise<unknown>,
  code: string,
  constraint?: string,
): Promise<postgres.PostgresError> {
  const error = await promise.then(() => undefined, (reason: unknown) => reason);
  if (error === undefined) {
    assert.fail(`Expected the database to refuse this with ${code}; it did not`);
  }
  if (!(error instanceof postgres.PostgresError)) throw error;
  assert.equal(error.code, code, error.message);
  if (constraint !== undefined) assert.equal(error.constraint_name, constraint, error.message);
  return error;
}
