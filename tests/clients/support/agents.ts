/**
 * The Agents SDK, without what it does to the process that it is loaded into: it ends the process on a promise that nobody
 * handles, which in a test run throws, and so begins anew without end. Here such a promise fails the test, as everywhere.
 */
import process from "node:process";
import { setTracingDisabled } from "@openai/agents";

process.removeAllListeners("unhandledRejection");
setTracingDisabled(true);

export { Agent, hostedMcpTool, MemorySession, OpenAIResponsesModel, run } from "@openai/agents";
