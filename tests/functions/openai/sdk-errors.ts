/** Errors that the real SDK throws for an answer of OpenAI, or without one. */
import OpenAI from "openai";

export interface ApiAnswer {
  status: number;
  error?: { code?: string | null; type?: string; param?: string | null; message?: string };
  headers?: Record<string, string>;
}

/** What `responses.create` throws for this answer. */
export function thrownFor({ status, error, headers = {} }: ApiAnswer): Promise<unknown> {
  return thrownBy(() => Response.json({ error: { message: "no", ...error } }, { status, headers }));
}

/** What `responses.create` throws with this `fetch`. */
export async function thrownBy(
  fetch: (url: string | URL | Request, init?: RequestInit) => Response | Promise<Response>,
  timeout = 10_000,
): Promise<unknown> {
  const client = new OpenAI({
    apiKey: "sk-test-0123456789",
    maxRetries: 0,
    fetch: (url, init) => Promise.resolve().then(() => fetch(url, init)),
  });
  try {
    const answer = await client.responses.create({ model: "gpt-6.1-sol", input: "hi" }, {
      timeout,
    });
    throw new Error(`Cannot use the answer ${JSON.stringify(answer)}: an error was expected`);
  } catch (error) {
    return error;
  }
}
