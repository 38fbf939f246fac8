/**
 * What `_shared/profiles.ts` imports. The functions' entry files import their own part instead (api/native), because
 * everything exported here would be loaded by each of them, and cold start counts.
 */
export { mcp, type OpenAiServer, type WorkerServer } from "./profiles/mcp-server.ts";
export type { CallInDoubt, WasMade, WasMadeAnswer, WasMadeContext } from "./profiles/was-made.ts";
export {
  sqlTool,
  type SqlToolOptions,
  tool,
  type ToolContext,
  ToolError,
  type ToolOptions,
} from "./profiles/own-tools.ts";
export {
  type ApproveWhen,
  type Budgets,
  type CallerTool,
  defineProfiles,
  type Profile,
  type Profiles,
  type Retry,
  secret,
} from "./profiles/profile.ts";
