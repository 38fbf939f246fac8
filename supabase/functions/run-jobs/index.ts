import { runJobs } from "../_durable_responses/api/native/run-jobs.ts";
import { profiles } from "../_shared/profiles.ts";

Deno.serve(runJobs({ profiles }));
