/**
 * zod's small form, for everything that the functions parse: the same schemas with functions instead of methods. The usual
 * form defines every method of a class on first use: loading it and building the schemas of `respond` took 38 ms, this takes
 * 14 (docs/benchmarks.md, cold). A schema that a first request does not need is a `z.lazy`, which is built when it is used. A
 * profile may use either form for its `output`.
 */
import { config } from "zod/mini";
import en from "zod/v4/locales/en.js";

// The small form has no messages of its own, and refusals quote them. Compiling a parser for each schema pays after
// hundreds of uses; an isolate often sees few.
config({ ...en(), jitless: true });

export * from "zod/mini";
export { $ZodError, type $ZodType } from "zod/v4/core";
