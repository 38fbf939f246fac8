/**
 * The OpenAI stand-in's plans for queries of many tests, by a part of the query. Other queries contain their plan, or only get
 * an answer.
 */
import { findEmail, invoicePlan } from "../../packages/dev/mcp/mailbox.ts";
import type { Plans } from "../../packages/dev/openai/mod.ts";

/** The last one that fits wins. */
export const testPlans: Plans = {
  "Find the invoice": findEmail("invoice"),
  "Is there an invoice": findEmail("invoice"),
  "Reply to the invoice mail": invoicePlan,
  "invoice and reply": invoicePlan,
};
