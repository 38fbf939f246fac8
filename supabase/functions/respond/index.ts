import { answering } from "../_shared/http/reply.ts";
import { respond } from "../_shared/respond.ts";

Deno.serve(answering(respond));
