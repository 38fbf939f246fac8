/**
 * The project's API with a secret key: tables, SQL functions and Edge Functions. It uses plain fetch, so Node 20 is enough.
 */
import { z } from "zod";
import { Failure } from "../failure.ts";
import type { Connection } from "./connection.ts";
import { type Answer, type HttpRequest, send } from "./http.ts";
import { pushMigrations } from "../project/release.ts";

const functionError = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    hint: z.string().optional(),
  }),
});
const restError = z.object({
  code: z.string().optional(),
  message: z.string(),
  hint: z.string().nullish(),
});

export class Project {
  readonly #headers: Record<string, string>;

  constructor(readonly connection: Connection) {
    const { key } = connection;
    // New keys are not JWTs, and are refused as bearer tokens.
    this.#headers = key.startsWith("sb_")
      ? { apikey: key }
      : { apikey: key, authorization: `Bearer ${key}` };
  }

  /**
   * Reads rows. `path` is PostgREST's, such as `response_jobs?select=id`.
   * @throws Failure
   */
  async rows<S extends z.ZodType>(
    path: string,
    schema: S,
  ): Promise<z.infer<S>[]> {
    return z.array(schema).parse(await this.#rest(path, {}));
  }

  /** Changes rows and returns them. @throws Failure */
  async update<S extends z.ZodType>(
    path: string,
    values: Record<string, unknown>,
    schema: S,
  ): Promise<z.infer<S>[]> {
    const headers = { prefer: "return=representation" };
    return z.array(schema).parse(
      await this.#rest(path, { method: "PATCH", body: values, headers }),
    );
  }

  /** Calls a SQL function. @throws Failure */
  async call<S extends z.ZodType>(
    name: string,
    args: Record<string, unknown>,
    schema: S,
  ): Promise<z.infer<S>> {
    return schema.parse(
      await this.#rest(`rpc/${name}`, { method: "POST", body: args }),
    );
  }

  /**
   * Calls an Edge Function with the secret key, and returns any answer.
   * @throws Failure if no answer came
   */
  async invoke(path: string, request: HttpRequest = {}): Promise<Answer> {
    const headers = { ...this.#headers, ...request.headers };
    return await send(`${this.connection.url}/functions/v1/${path}`, {
      ...request,
      headers,
    });
  }

  /**
   * Calls an Edge Function without any key.
   * @throws Failure if no answer came
   */
  async knock(path: string, request: HttpRequest): Promise<Answer> {
    return await send(`${this.connection.url}/functions/v1/${path}`, request);
  }

  /**
   * Calls `respond` and parses the answer.
   * @throws Failure with the function's own message and hint
   */
  async respond<S extends z.ZodType>(
    path: string,
    request: HttpRequest,
    schema: S,
  ): Promise<z.infer<S>> {
    const answer = await this.invoke(`${this.connection.functionName}${path}`, request);
    if (answer.status < 300) return schema.parse(answer.body);
    const { code, message, hint } = refusalOf(answer);
    throw new Failure(
      `${message} (${code})`,
      hint === undefined ? {} : { hint },
    );
  }

  async #rest(path: string, request: HttpRequest): Promise<unknown> {
    const headers = { ...this.#headers, ...request.headers };
    const { status, body } = await send(
      `${this.connection.url}/rest/v1/${path}`,
      { ...request, headers },
    );
    if (status < 300) return body === "" ? null : body;
    const { code, message } = restError.safeParse(body).data ??
      { code: undefined, message: `HTTP ${status}` };
    if (status === 401 || code === "42501") {
      throw new Failure(
        `Cannot read the project's data: ${this.connection.url} does not accept this key as a secret key`,
        {
          hint: "SUPABASE_SECRET_KEY must be a secret key (sb_secret_…) of this project",
        },
      );
    }
    // PGRST202 and PGRST205: no such function, no such table.
    if (code === "PGRST202" || code === "PGRST205" || code === "42P01") {
      throw new Failure(
        "Cannot find durable-responses in the project's database: not all migrations are applied",
        { hint: pushMigrations },
      );
    }
    throw new Failure(
      `Cannot read from ${this.connection.url}/rest/v1: ${message}`,
    );
  }
}

/** The refusal of an Edge Function, or of the gateway in front of it. */
export function refusalOf(
  { status, body }: Answer,
): { code: string; message: string; hint: string | undefined } {
  const own = functionError.safeParse(body).data?.error;
  if (own) return { code: own.code, message: own.message, hint: own.hint };
  const gateway = z.object({
    code: z.union([z.string(), z.number()]).optional(),
    message: z.string().optional(),
  })
    .safeParse(body).data;
  return {
    code: gateway?.code === undefined ? `HTTP ${status}` : String(gateway.code),
    message: gateway?.message ?? `The function answers with HTTP ${status}`,
    hint: undefined,
  };
}
