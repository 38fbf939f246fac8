import type { Plan } from "../../profiles/plan.ts";
import { EffectRules, hasOnceTools } from "../effect-rules.ts";

/**
 * Whether a second job for the same question could do something that must not be done twice, whoever runs the tools: OpenAI,
 * we, or the caller.
 */
export function planHasOnceTools({ body, servers, own, callerTools, sideEffects }: Plan): boolean {
  const offered = [...body.tools ?? [], ...servers.map(({ tool }) => tool)];
  if (hasOnceTools({ ...body, tools: offered }, sideEffects)) return true;
  const effects = new EffectRules(sideEffects);
  for (const { name, effect } of own) effects.declare(null, name, effect);
  const names = [...own.map(({ name }) => name), ...callerTools.map(({ tool }) => tool)];
  return names.some((name) => effects.effectOf("", name) === "once");
}
