/** A function's answer. */
import { z } from "zod";

const body = z.looseObject({
  id: z.string().optional(),
  status: z.string().optional(),
  output_text: z.string().nullish(),
  output_parsed: z.unknown().optional(),
  retry_of: z.string().nullish(),
  error: z.looseObject({
    code: z.string(),
    message: z.string(),
    hint: z.string().optional(),
  }).nullish(),
});

export interface Answer {
  status: number;
  headers: Headers;
  body: z.infer<typeof body>;
  /** `body.error.code`; "" if it is not a refusal. */
  code: string;
  /** `body.id`. Reading it throws if the answer is a refusal. */
  readonly id: string;
}

/** Reads a JSON answer. An empty body is read as {}. */
export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const parsed = body.parse(text === "" ? {} : JSON.parse(text));
  return {
    status: response.status,
    headers: response.headers,
    body: parsed,
    code: parsed.error?.code ?? "",
    get id() {
      if (parsed.id === undefined) {
        throw new Error(`Cannot go on without a job: the answer was ${response.status} ${text}`);
      }
      return parsed.id;
    },
  };
}
