/** The cost of a function that imports all of the usual packages, before it has a line of its own. */
import { createClient } from "@supabase/supabase-js";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

const supabase = createClient("http://127.0.0.1:9", "sb_secret_bench");
const openai = new OpenAI({ apiKey: "sk-bench-000000" });
const format = zodTextFormat(z.object({ ready: z.boolean() }), "ready");

Deno.serve(() => Response.json({ ready: Boolean(supabase && openai && format) }));
