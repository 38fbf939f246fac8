/** Which part of a request refers to a file that cannot be used: the database knows only the file. */
import { filePartsOf, storedFileSchema } from "../../model/files.ts";
import * as z from "../../model/zod.ts";
import { RequestError } from "../../platform/errors.ts";

/** What refuse_file() says in its detail. */
const detailSchema = z.looseObject({ details: z.string() });

/** The same error, with the place of the file in the input as its `param`, if the request itself refers to the file. */
export function withFilePlace(error: unknown, input: unknown): unknown {
  if (!(error instanceof RequestError) || error.code !== "file_not_found") return error;
  const told = detailSchema.safeParse(error.cause);
  if (!told.success) return error;
  const missing = readFile(told.data.details);
  const found = filePartsOf(input).find(({ part }) => {
    const { success, data } = z.safeParse(storedFileSchema, part["storage"]);
    return success && data.bucket === missing?.bucket && data.path === missing.path;
  });
  if (!found) return error;
  const { code, message, hint } = error;
  return new RequestError(code, message, { hint, param: `${found.where}.storage`, cause: error });
}

function readFile(details: string) {
  try {
    return storedFileSchema.safeParse(JSON.parse(details)).data;
  } catch (error) {
    // Only the database writes it. Without it, the error is as good as before.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
