import type { Caller } from "../../model/caller.ts";
import { planFor } from "../../profiles/plan.ts";
import type { Profiles } from "../../profiles/profile.ts";
import type { CreateBody } from "./create-body.ts";
import { settingsBeyond } from "./profile-rules.ts";
import type { ResponseRecord } from "./record.ts";
import { invalidParam } from "./refusal.ts";

/** The job continues as it began. A request that says otherwise is refused, because it would be ignored. */
export async function refuseOtherSettings(
  profiles: Profiles,
  body: CreateBody,
  record: ResponseRecord,
  caller: Caller,
): Promise<void> {
  // A server's whole request stays as it was sent. A server that acts for its owner does not see its model.
  if (record.whole_request && caller.kind === "service" && record.model === null) return;
  const model = record.model ?? record.profile;
  if (body.model !== model) {
    throw invalidParam(
      "model",
      "invalid_value",
      `Cannot continue as '${
        body.model.slice(0, 64)
      }': the response that asks has the model '${model}'`,
    );
  }
  const profile = Object.hasOwn(profiles, record.profile) ? profiles[record.profile] : undefined;
  if (record.model !== null || !profile) return;
  const ask = { profile: record.profile, input: body.input ?? null, request: null };
  settingsBeyond(body, await planFor(profiles, ask), profile);
}
