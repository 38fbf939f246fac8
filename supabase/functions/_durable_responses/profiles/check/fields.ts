/** Every field that a profile may have. A missing or an unknown field here is a type error. */
import { toolSchema } from "../../model/request.ts";
import { effects, guards } from "../../model/status.ts";
import * as z from "../../model/zod.ts";
import { callerParams } from "../caller-settings.ts";
import { passedOn } from "../passed-on.ts";
import type { Budgets, Profile, Retry } from "../profile.ts";

const duration = z.number().check(z.positive());
const timer = z.optional(z.number().check(z.positive(), z.maximum(365 * 24 * 3_600_000)));

/** Functions by tool. */
const functions = <F>() =>
  z.optional(
    z.record(
      z.string(),
      z.custom<F>((value) => typeof value === "function", "must be a function"),
    ),
  );

/** The fields that this project itself uses, with their types. */
export const ownFields = {
  model: z.string().check(z.minLength(1), z.maxLength(200)),
  instructions: z.optional(z.string()),
  tools: z.optional(z.array(toolSchema).check(z.maxLength(128))),
  /** A zod schema, which has its own check. */
  output: z.optional(z.unknown()),
  caller_may: z.optional(z.array(z.enum(callerParams))),
  background: z.optional(z.boolean()),
  budgets: z.optional(z.strictObject(
    {
      accept_ms: z.optional(duration),
      background_ms: z.optional(duration),
      poll_ms: z.optional(duration),
      attempt_ms: z.optional(duration),
      stall_ms: z.optional(duration),
      deadline_ms: z.optional(duration),
    } satisfies Record<keyof Budgets, z.ZodMiniType>,
  )),
  retry: z.optional(z.strictObject(
    {
      max_attempts: z.optional(z.int().check(z.minimum(1), z.maximum(100))),
      backoff_base_ms: z.optional(z.number().check(z.nonnegative())),
      backoff_cap_ms: z.optional(z.number().check(z.nonnegative())),
    } satisfies Record<keyof Retry, z.ZodMiniType>,
  )),
  side_effects: z.optional(z.record(z.string(), z.enum(effects))),
  guard: z.optional(z.enum(guards)),
  on_uncertain: z.optional(z.enum(["review", "retry"])),
  approve_when: functions<NonNullable<Profile["approve_when"]>[string]>(),
  was_made: functions<NonNullable<Profile["was_made"]>[string]>(),
  was_made_after_ms: timer,
  approval_ms: timer,
  review_ms: timer,
  /** Names of its own are refused in a check of their own. */
  extra_body: z.optional(z.record(z.string(), z.unknown())),
  /** It is refused with its own message. */
  prompt: z.optional(z.unknown()),
} satisfies { [Name in keyof Profile]?: z.ZodMiniType };

passedOn satisfies Record<Exclude<keyof Profile, keyof typeof ownFields>, unknown>;

/** Fields of a Responses request that a profile cannot set, with the reason. */
export const decidedElsewhere: ReadonlyMap<string, string> = new Map([
  ["input", "The input comes from the caller. Put what is always the same into `instructions`"],
  ["metadata", "Metadata belong to a job: send `metadata` with its query"],
  ["store", "It depends on how the job runs. Leave it out"],
  ["stream", "It depends on how the job runs. Leave it out"],
  ["text", "Describe the answer with a zod schema in `output`, and leave `text` out"],
]);

export const fieldNames: readonly string[] = [
  ...Object.keys(ownFields).filter((name) => name !== "prompt"),
  ...Object.keys(passedOn),
];
