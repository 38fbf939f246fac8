/** The check of the project's profiles: a program beside the stack makes it, which loads them anew each time. */
import { z } from "zod";
import { RunFailure, runProcess } from "../processes.ts";

const file = "supabase/functions/_shared/profiles.ts";

const reportSchema = z.object({
  profiles: z.array(z.object({ name: z.string() })),
  findings: z.array(z.object({
    /** Empty if the finding is about the file. */
    profile: z.string(),
    severity: z.enum(["wrong", "warn"]),
    message: z.string(),
    hint: z.string(),
  })),
});

export type ProfilesReport = z.infer<typeof reportSchema>;
export type Finding = ProfilesReport["findings"][number];

/**
 * Checks the profiles, and writes their types if nothing is wrong.
 * @param env what the functions have in theirs
 */
export type ProfileCheck = (env: Readonly<Record<string, string>>) => Promise<ProfilesReport>;

/** The check that a command makes. It prints the report as JSON, and exits with 1 if something is wrong. */
export function checkBy(commandLine: string[], cwd: string): ProfileCheck {
  const [command = "", ...args] = commandLine;
  return async (env) => {
    const ended = await runProcess({
      name: "durable-responses check",
      command,
      args: [...args, "--deno", Deno.execPath()],
      cwd,
      env: { ...Deno.env.toObject(), ...env },
    }).catch((error: unknown) => {
      if (error instanceof RunFailure) return error;
      throw error;
    });
    // It has not come to a report, and says why, and what to do, in two lines.
    if (ended.stdout === "") {
      throw new Error(ended.stderr.replace(/^Error: /, "").replace(/\s+/g, " "));
    }
    return reportSchema.parse(JSON.parse(ended.stdout));
  };
}

/** What keeps every profile from being used. */
export function isOfTheFile({ profile, severity }: Finding): boolean {
  return profile === "" && severity === "wrong";
}

/** Tells a person what the checks find, one after the other: what is wrong each time, a warning once. */
export class ProfileTeller {
  #say: (line: string) => void;
  #state: "new" | "ok" | "wrong" = "new";
  #warned: string[] = [];
  #hasDefault = true;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  tell({ profiles, findings }: ProfilesReport): void {
    const of = (wanted: Finding["severity"]) =>
      findings.filter(({ severity }) => severity === wanted).map(inOneLine);
    const [wrong, warnings] = [of("wrong"), of("warn")];
    for (const line of wrong) this.#say(`wrong in ${file}: ${line}`);
    for (const line of warnings) {
      if (!this.#warned.includes(line)) this.#say(`warning, ${file}: ${line}`);
    }
    if (wrong.length === 0 && this.#state !== "ok") {
      const names = profiles.map(({ name }) => `'${name}'`).join(", ");
      this.#say(`profiles: ok${this.#state === "wrong" ? " again" : ""} (${names})`);
    }
    if (wrong.length === 0) this.#tellDefault(profiles);
    this.#state = wrong.length === 0 ? "ok" : "wrong";
    this.#warned = warnings;
  }

  #tellDefault(profiles: ProfilesReport["profiles"]): void {
    const had = this.#hasDefault;
    this.#hasDefault = profiles.some(({ name }) => name === "default");
    if (!had || this.#hasDefault) return;
    this.#say("profiles: none is called 'default', so each request must name its `profile`");
  }

  /** They could not be checked. Why was told in other words. */
  unchecked(): void {
    this.#state = "wrong";
  }
}

function inOneLine({ profile, message, hint }: Finding): string {
  return `${profile === "" ? "" : `'${profile}': `}${message} → ${hint}`;
}
