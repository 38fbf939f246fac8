/** The least that a function on Supabase is: a server, and a client for the database. */
import { createClient } from "@supabase/supabase-js";

const supabase = createClient("http://127.0.0.1:9", "sb_secret_bench");

Deno.serve(() => Response.json({ ready: supabase !== undefined }));
