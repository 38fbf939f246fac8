import { answering } from "../_shared/http/reply.ts";
import { runJobs } from "../_shared/run_jobs.ts";

Deno.serve(answering(runJobs));
