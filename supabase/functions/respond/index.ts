import { respond } from "../_durable_responses/api/native/respond.ts";
import { profiles } from "../_shared/profiles.ts";

Deno.serve(respond({ profiles }));
