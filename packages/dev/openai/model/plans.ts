import { z } from "zod";
import { PlanError, planInQuery, type PlanStep, readPlan } from "./plan.ts";

/** Plans by a part of the query that they are for, like `{ "my order": "call find_order; text On its way" }`. */
export type Plans = Readonly<Record<string, string>>;

/** A `tool_choice` that names the tool to call. */
const ChosenSchema = z.object({
  type: z.enum(["function", "mcp"]),
  server_label: z.string().optional(),
  name: z.string(),
});
const FileSchema = z.record(z.string(), z.string());

/** What the model does for which query. */
export class PlanBook {
  readonly #plans = new Map<string, string>();
  readonly #file: string | undefined;

  /**
   * @param plans or the path of a JSON file of them, read anew for each request
   * @throws PlanError
   */
  constructor(plans: Plans | string = {}) {
    this.#file = typeof plans === "string" ? plans : undefined;
    const given = typeof plans === "string" ? readFile(plans) : plans;
    for (const [part, plan] of Object.entries(given)) {
      readOf(part, plan, this.#file);
      if (this.#file === undefined) this.#plans.set(part, plan);
    }
  }

  /** Plans for queries that contain `part`. @throws PlanError */
  add(part: string, plan: string): void {
    readPlan(plan);
    this.#plans.delete(part);
    this.#plans.set(part, plan);
  }

  /**
   * The steps for a query: those it brings with it, else those of the plan that was added last, else a call of the tool that
   * the request chose, if it chose one.
   * @throws PlanError
   */
  stepsFor(query: string, toolChoice?: unknown): PlanStep[] {
    const inFile = this.#file === undefined ? {} : readFile(this.#file);
    const known = [...Object.entries(inFile), ...this.#plans];
    const own = planInQuery(query);
    if (own !== undefined) return readPlan(own);
    const [part, plan] = known.findLast(([part]) => query.includes(part)) ?? [];
    if (part !== undefined && plan !== undefined) {
      return readOf(part, plan, this.#plans.get(part) === plan ? undefined : this.#file);
    }
    const chosen = ChosenSchema.safeParse(toolChoice).data;
    if (chosen === undefined) return [];
    return [{ kind: "call", server: chosen.server_label, tool: chosen.name, arguments: undefined }];
  }
}

/** Of several plans, the message names the one that cannot be read, and its file. */
function readOf(part: string, plan: string, file: string | undefined): PlanStep[] {
  try {
    return readPlan(plan);
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    const where = file === undefined ? "" : ` in '${file}'`;
    throw new PlanError(`Cannot read the plan for '${part}'${where}: ${error.message}`);
  }
}

function readFile(path: string): Plans {
  try {
    return FileSchema.parse(JSON.parse(Deno.readTextFileSync(path)));
  } catch (cause) {
    throw new PlanError(
      `Cannot read the plans in '${path}': it must be a JSON object of texts, like {"my order": "text On its way"}`,
      { cause },
    );
  }
}
