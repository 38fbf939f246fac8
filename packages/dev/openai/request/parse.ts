import { ApiError, invalid } from "../errors.ts";
import type { FunctionTool } from "./tools.ts";
import { type CreateRequest, CreateRequestSchema } from "./schema.ts";
import { refusalOf } from "./wording.ts";

/** A checked request. Its model is known and its input is present one way or another. */
export type ParsedRequest = CreateRequest & { model: string };

/** The model that a reusable prompt would bring with it. */
const promptModel = "gpt-5.6-terra";

/**
 * Checks the body of POST /v1/responses.
 *
 * @throws ApiError 400 with OpenAI's words and `param`
 */
export function parseCreate(text: string): ParsedRequest {
  const parsed = CreateRequestSchema.safeParse(parseJson(text), { reportInput: true });
  if (!parsed.success) throw refusalOf(parsed.error);
  const request = parsed.data;
  const model = request.model ?? (request.prompt ? promptModel : undefined);
  if (model === undefined) throw missing("model");
  if (!request.input && !request.previous_response_id && !request.prompt && !request.conversation) {
    throw missing("input");
  }
  if (request.background && request.store === false) {
    throw invalid("store", "invalid_value", "Background mode requires 'store' to be true.");
  }
  checkTools(request);
  return { ...request, model };
}

/** @throws ApiError 400 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new ApiError(400, {
      message: "We could not parse the JSON body of your request. (HINT: This likely means you " +
        "aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but what " +
        "was sent was not valid JSON.)",
    });
  }
}

function checkTools(request: CreateRequest): void {
  const labels = new Set<string>();
  for (const [index, tool] of (request.tools ?? []).entries()) {
    if (tool.type === "function") checkFunction(tool, `tools[${index}]`);
    if (tool.type !== "mcp") continue;
    const param = `tools[${index}]`;
    if (!tool.server_url && !tool.connector_id && !tool.tunnel_id) {
      throw invalid(
        param,
        "missing_required_parameter",
        `Missing required parameter: one of '${param}.server_url', '${param}.connector_id' or ` +
          `'${param}.tunnel_id'.`,
      );
    }
    if (labels.has(tool.server_label)) {
      throw invalid(
        "tools",
        "invalid_value",
        `Duplicate server_label '${tool.server_label}'. Each MCP server needs a label of its own.`,
      );
    }
    labels.add(tool.server_label);
  }
}

/** @throws ApiError 400 for a schema that OpenAI does not take */
function checkFunction({ name, parameters, strict }: FunctionTool, param: string): void {
  const refused = (why: string) =>
    invalid(
      `${param}.parameters`,
      "invalid_function_parameters",
      `Invalid schema for function '${name}': ${why}`,
    );
  if (parameters && parameters["type"] !== "object") {
    throw refused(
      `schema must be a JSON Schema of 'type: "object"', got 'type: "${parameters["type"]}"'.`,
    );
  }
  if (!strict) return;
  const check = (part: unknown, context: string[]): void => {
    if (typeof part !== "object" || part === null) return;
    if (Array.isArray(part)) {
      for (const each of part) check(each, context);
      return;
    }
    const schema = Object.fromEntries(Object.entries(part));
    const at = `In context=(${context.map((each) => `'${each}'`).join(", ")}), `;
    if (schema["type"] === "object") {
      if (schema["additionalProperties"] !== false) {
        throw refused(`${at}'additionalProperties' is required to be supplied and to be false.`);
      }
      const names = Object.keys(schema["properties"] ?? {});
      const required: unknown = schema["required"];
      const lacks = names.find((each) => !Array.isArray(required) || !required.includes(each));
      if (lacks !== undefined) {
        throw refused(
          `${at}'required' is required to be supplied and to be an array including every key in properties. Missing '${lacks}'.`,
        );
      }
    }
    for (const keyword of ["oneOf", "allOf", "not", "default", "patternProperties"]) {
      if (keyword in schema) throw refused(`${at}'${keyword}' is not permitted.`);
    }
    for (const [key, value] of Object.entries(schema["properties"] ?? {})) {
      check(value, [...context, "properties", key]);
    }
    check(schema["items"], [...context, "items"]);
    check(schema["anyOf"], [...context, "anyOf"]);
  };
  check(parameters, []);
}

function missing(param: string): ApiError {
  return invalid(param, "missing_required_parameter", `Missing required parameter: '${param}'.`);
}
