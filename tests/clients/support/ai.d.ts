/**
 * The types of the AI SDK that the tests use, because Deno's type check cannot read those of `ai` 7 ("recursion limit
 * exceeded"). The tests run the library itself.
 */
import type { z } from "zod";

export type ModelMessage =
  | { role: "system"; content: string }
  | { role: "user"; content: string | (TextPart | FilePart)[] }
  | { role: "assistant" | "tool"; content: unknown };

interface TextPart {
  type: "text";
  text: string;
}

interface FilePart {
  type: "file";
  mediaType: string;
  data: Uint8Array | URL;
  filename?: string;
}

interface ApprovalRequest {
  type: "tool-approval-request";
  approvalId: string;
  toolCall: ToolCall;
}

interface ToolCall {
  type: "tool-call";
  toolCallId: string;
  toolName: string;
}

interface Ask<T> {
  /** A provider's model. A string would name one at Vercel. */
  model: object;
  prompt?: string;
  messages?: ModelMessage[];
  instructions?: string;
  providerOptions?: Record<string, Record<string, unknown>>;
  tools?: Record<string, object>;
  /** Checked after each step. */
  stopWhen?: object;
  output?: Spec<T>;
  maxRetries?: number;
  abortSignal?: AbortSignal;
  onError?: (event: { error: unknown }) => void;
}

interface Spec<T> {
  readonly name: string;
  readonly result?: T;
}

export const Output: {
  object<S extends z.ZodType>(options: { schema: S }): Spec<z.infer<S>>;
};

type Content = (ApprovalRequest | ToolCall | { type: "text"; text: string })[];

interface ModelResponse {
  messages: ModelMessage[];
  headers?: Record<string, string>;
}

export function generateText<T = string>(ask: Ask<T>): Promise<{
  text: string;
  finishReason: string;
  output: T;
  content: Content;
  response: ModelResponse;
  /** Of all steps. */
  responseMessages: ModelMessage[];
}>;

export function streamText<T = string>(ask: Ask<T>): {
  textStream: AsyncIterable<string>;
  stream: AsyncIterable<{ type: string; error?: unknown; text?: string; delta?: string }>;
  text: Promise<string>;
  finishReason: Promise<string>;
  content: Promise<Content>;
  responseMessages: Promise<ModelMessage[]>;
};

export function tool<S extends z.ZodType>(options: {
  description?: string;
  inputSchema: S;
  strict?: boolean;
  /** Without it, the app makes the call. */
  execute?: (input: z.infer<S>) => unknown;
  toModelOutput?: () => { type: "content"; value: object[] };
}): object;

export function stepCountIs(count: number): object;

export class APICallError extends Error {
  readonly statusCode?: number;
  readonly responseHeaders?: Record<string, string>;
  readonly isRetryable: boolean;
  static isInstance(error: unknown): error is APICallError;
}

export class RetryError extends Error {
  readonly errors: unknown[];
  static isInstance(error: unknown): error is RetryError;
}
