/** Every library, as its users use it, for tests of what must be the same with all of them. */
import { createOpenAI } from "@ai-sdk/openai";
import { ChatOpenAI } from "@langchain/openai";
// @ts-types="./ai.d.ts"
import { generateText } from "ai";
import OpenAI from "openai";
import { Agent, OpenAIResponsesModel, run } from "./agents.ts";

/** Where to send requests, and as whom. */
export interface As {
  baseURL: string;
  apiKey: string;
}

export interface Library {
  name: string;
  /** @param previous the id of a response that the question continues from */
  ask(as: As, model: string, question: string, previous?: string): Promise<unknown>;
}

export const libraries: readonly Library[] = [
  {
    name: "the openai SDK",
    ask: ({ baseURL, apiKey }, model, input, previous) =>
      new OpenAI({ baseURL, apiKey }).responses.create({
        model,
        input,
        ...(previous === undefined ? {} : { previous_response_id: previous }),
      }),
  },
  {
    name: "the AI SDK",
    ask: ({ baseURL, apiKey }, model, prompt, previous) =>
      generateText({
        model: createOpenAI({ baseURL, apiKey }).responses(model),
        prompt,
        ...(previous === undefined
          ? {}
          : { providerOptions: { openai: { previousResponseId: previous } } }),
      }),
  },
  {
    name: "the Agents SDK",
    ask: ({ baseURL, apiKey }, model, input, previous) => {
      const by = new OpenAIResponsesModel(new OpenAI({ baseURL, apiKey }), model);
      const options = previous === undefined ? {} : { previousResponseId: previous };
      return run(new Agent({ name: "Clerk", model: by }), input, options);
    },
  },
  {
    name: "LangChain",
    ask: ({ baseURL, apiKey }, model, question, previous) =>
      new ChatOpenAI({ model, apiKey, useResponsesApi: true, configuration: { baseURL } })
        .invoke(question, previous === undefined ? {} : { previous_response_id: previous }),
  },
];
