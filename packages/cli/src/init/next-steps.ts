/** What a person does after `init`, in this order. */
import { deployCommand, pushMigrations } from "../project/release.ts";
import type { Plan } from "./plan.ts";
import { secretsFile } from "./secrets-file.ts";

/** A sentence, and the lines that follow it. */
type Step = readonly [what: string, ...lines: string[]];

const file = `supabase/${secretsFile}`;

const check: Step = ["Check the profiles:", "npx durable-responses check"];
const database: Step = ["Set up the database:", pushMigrations];
const webhook: Step = [
  "Add a webhook at https://platform.openai.com/settings/project/webhooks, with the URL",
  "https://<project-ref>.supabase.co/functions/v1/openai-webhook",
  "and the events response.completed, response.failed, response.cancelled and response.incomplete",
];
const secrets: Step = [
  `Put the webhook's secret and your API key into ${file}, then set the secrets:`,
  `npx supabase secrets set --remote --env-file ${file}`,
];
const connect: Step = [
  "Tell the database where they are:",
  "SUPABASE_SECRET_KEY=sb_secret_… npx durable-responses connect",
];
const doctor: Step = [
  "Check everything, and register the profiles:",
  "SUPABASE_SECRET_KEY=sb_secret_… npx durable-responses doctor",
];

export function nextSteps(
  { installed, functionName }: Plan,
  { checked, hasDev }: { checked: boolean; hasDev: boolean },
): string[] {
  const isFirst = installed === undefined;
  const deploy: Step = ["Deploy the functions:", deployCommand(functionName)];
  const steps = [
    ...(checked ? [] : [check]),
    database,
    // An upgrade keeps its secrets and Vault values.
    ...(isFirst ? [webhook, secrets, deploy, connect] : [deploy]),
    doctor,
  ];
  const install = hasDev ? "" : "npm install --save-dev durable-responses-dev && ";
  return [
    ...(isFirst
      ? [
        "  To try it on your machine first, without an account or a key:",
        `     ${install}npx durable-responses dev`,
        "",
        "  To run it in your project at Supabase:",
        "",
      ]
      : []),
    ...steps.flatMap(([what, ...lines], index) => [
      `  ${index + 1}. ${what}`,
      ...lines.map((line) => `     ${line}`),
    ]),
  ];
}
