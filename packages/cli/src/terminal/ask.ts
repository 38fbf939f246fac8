/** Questions to the person at the terminal. Ctrl-C ends the command without doing anything. */
import { confirm, isCancel, password, select, text } from "@clack/prompts";
import { Failure } from "../failure.ts";

export async function askYes(message: string): Promise<boolean> {
  return given(await confirm({ message, initialValue: true }));
}

/** A choice of several; `hint` explains each. */
export async function askChoice<T extends string>(
  message: string,
  options: { value: T; label: string; hint: string }[],
): Promise<T> {
  const answer = given(await select<string>({ message, options }));
  const chosen = options.find(({ value }) => value === answer);
  if (!chosen) {
    throw new Failure(`Cannot use '${answer}': it is not one of the choices`);
  }
  return chosen.value;
}

/** A line of text, or the default if it is left empty. `wrong` returns what is wrong with it. */
export async function askText(
  message: string,
  byDefault: string,
  wrong: (value: string) => string | undefined,
): Promise<string> {
  return given(
    await text({
      message,
      placeholder: byDefault,
      defaultValue: byDefault,
      validate: (value) => value ? wrong(value) : undefined,
    }),
  ).trim();
}

/** A secret, hidden while typed; undefined if left empty. */
export async function askSecret(message: string): Promise<string | undefined> {
  const answer = given(await password({ message, validate: () => undefined }));
  return answer?.trim() || undefined;
}

function given<T>(answer: T): Exclude<T, symbol> {
  if (isCancel(answer)) throw new Failure("Stopped: nothing was changed", { exitCode: 130 });
  return answer as Exclude<T, symbol>;
}
