import type { Caller } from "../../model/caller.ts";
import { planFor } from "../../profiles/plan.ts";
import type { Profiles } from "../../profiles/profile.ts";
import type { CreateBody } from "./create-body.ts";
import { same, settingsBeyond } from "./profile-rules.ts";
import type { ResponseRecord } from "./record.ts";
import { invalidParam } from "./refusal.ts";
import { sameText } from "./same-text.ts";

/**
 * The job continues as it began. A request that says otherwise is refused, because it would be ignored. Settings that are left
 * out stay as they are, and so do instructions, which libraries send with each request.
 */
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
  const settings = settingsBeyond(body, await planFor(profiles, ask), profile);
  for (const [param, value] of Object.entries(settings ?? {})) {
    const before = record.settings?.[param];
    const isSame = param === "text" ? sameText(value, before) : same(value, before);
    if (!isSame) throw otherSetting(param);
  }
}

function otherSetting(param: string) {
  return invalidParam(
    param,
    "invalid_value",
    `Cannot change '${param}' with an answer: the response continues with the settings of its first request. Leave '${param}' out, or send what that request had`,
  );
}
