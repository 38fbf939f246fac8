import OpenAI from "openai";

/** The error that the SDK throws for a refusal. */
export async function refusalOf(
  act: Promise<unknown>,
): Promise<InstanceType<typeof OpenAI.APIError>> {
  try {
    await act;
  } catch (error) {
    if (error instanceof OpenAI.APIError) return error;
    throw error;
  }
  throw new Error("Cannot go on: the request was not refused");
}
