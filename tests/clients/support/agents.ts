/**
 * The Agents SDK without its effect on the process: it ends the process on an unhandled rejection, which throws in a test run
 * and so repeats forever. Here, an unhandled rejection fails the test, as everywhere.
 */
import process from "node:process";
import { setTracingDisabled } from "@openai/agents";

process.removeAllListeners("unhandledRejection");
setTracingDisabled(true);

export { Agent, hostedMcpTool, MemorySession, OpenAIResponsesModel, run } from "@openai/agents";
