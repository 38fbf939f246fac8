/** The OpenAI API that the environment names, if it names one; `baseUrl` may be any server that speaks the Responses API. */
export function openaiFromEnvironment(): { apiKey: string; baseUrl?: string } | undefined {
  const apiKey = Deno.env.get("OPENAI_API_KEY");
  const baseUrl = Deno.env.get("OPENAI_BASE_URL");
  if (!apiKey) return undefined;
  return { apiKey, ...(baseUrl && { baseUrl }) };
}
