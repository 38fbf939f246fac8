/** Whether a request with a tool would be refused: the rules are those of a request. */
import type { RequestTool } from "../../model/request.ts";
import type { SideEffects } from "../../model/step.ts";
import { RequestError } from "../../platform/errors.ts";
import type { OwnTool } from "../own-tools.ts";
import { refuseTools } from "../tool-rules.ts";
import type { Found } from "./finding.ts";

/**
 * The reason why a submit would be refused.
 * @param definition makes what the request has of the tool, which may be refused too
 */
export function refusalOf(
  path: string,
  definition: () => RequestTool,
  rules: { own: OwnTool[]; effects: SideEffects },
): Found[] {
  try {
    refuseTools([definition()], { ...rules, where: { profile: "" } });
    return [];
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    const why = error.message.replace(/^Cannot [^:]*: (?:tools\[0\]: )?/, "")
      .replaceAll("tools[0]", path);
    return [{
      path,
      severity: "wrong",
      message: `The tool at '${path}' cannot be offered: ${why}`,
      hint: error.hint ?? "Leave the tool out, or declare it in another way",
    }];
  }
}
