/**
 * What the OpenAI stand-in does for the queries of many tests, by a part of the query. Another query has its plan in it, or is
 * only answered.
 */
import { findEmail, invoicePlan } from "../../packages/dev/mcp/mailbox.ts";
import type { Plans } from "../../packages/dev/openai/mod.ts";

/** The last that fits wins. */
export const testPlans: Plans = {
  "Find the invoice": findEmail("invoice"),
  "Is there an invoice": findEmail("invoice"),
  "Reply to the invoice mail": invoicePlan,
  "invoice and reply": invoicePlan,
};
