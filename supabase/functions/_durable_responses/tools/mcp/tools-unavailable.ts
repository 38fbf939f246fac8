import { NotSent } from "../../platform/not-sent.ts";

/** Servers could not be asked for their tools, or have too many: the run cannot start. */
export class ToolsUnavailable extends NotSent {
  override readonly name = "ToolsUnavailable";
}
