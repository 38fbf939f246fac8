/** Images and files in an input's messages and in the caller's screenshots: as data, or in Storage. */
import { isRecord } from "./is-record.ts";
import * as z from "./zod.ts";

/** The bucket of files that were sent as data and are too large for a row; see 16_files.sql. */
export const sentBucket = "response_files";

/** A file in Storage, as a part of a message refers to it. */
export const storedFileSchema = z.lazy(() =>
  z.strictObject({
    bucket: z.string().check(z.minLength(1), z.maxLength(100)),
    path: z.string().check(z.minLength(1), z.maxLength(1024)),
  })
);
export type StoredFile = z.infer<typeof storedFileSchema>;

/** A part of a message or of a function's output that is an image or a file; or the output of a `computer_call`. */
export type FilePart = Record<string, unknown> & { type: keyof typeof dataField };

/** The field of each kind of part that has the content as data, and the one that has its address. */
export const dataField = {
  input_image: "image_url",
  input_file: "file_data",
  computer_screenshot: "image_url",
} as const;
export const urlField = {
  input_image: "image_url",
  input_file: "file_url",
  computer_screenshot: "image_url",
} as const;

/** The images and files of an input, each with its place, such as `input[0].content[1]`. */
export function filePartsOf(input: unknown): { part: FilePart; where: string }[] {
  if (!Array.isArray(input)) return [];
  return input.flatMap((item: unknown, place) => {
    const shot = screenshotOf(item);
    if (shot) return [{ part: shot, where: `input[${place}].output` }];
    return partsOf(item).flatMap((part, index) =>
      isFilePart(part) ? [{ part, where: `input[${place}].${fieldOf(item)}[${index}]` }] : []
    );
  });
}

/** The input with each image and file mapped. */
export function mapFileParts<Item extends Record<string, unknown>>(
  input: Item[],
  map: (part: FilePart) => Record<string, unknown>,
): Item[] {
  return input.map((item) => {
    const shot = screenshotOf(item);
    if (shot) return { ...item, output: map(shot) };
    return partsOf(item).some(isFilePart)
      ? {
        ...item,
        [fieldOf(item)]: partsOf(item).map((part) => isFilePart(part) ? map(part) : part),
      }
      : item;
  });
}

/** The data of a part; undefined if it has none. */
export function dataOf(part: FilePart): string | undefined {
  const data = part[dataField[part.type]];
  if (typeof data !== "string") return undefined;
  return part.type === "input_file" || /^data:/i.test(data) ? data : undefined;
}

/** Whether a part refers to Storage. */
export function refersToStorage(part: FilePart): boolean {
  return "storage" in part;
}

/** Whether any part of an input refers to Storage. */
export function refersToFiles(input: unknown): boolean {
  return filePartsOf(input).some(({ part }) => refersToStorage(part));
}

/** Whether an input has images or files. They are checked before it is accepted. */
export function hasFiles(input: unknown): boolean {
  return filePartsOf(input).length > 0;
}

function partsOf(item: unknown): unknown[] {
  const parts = isRecord(item) ? item[fieldOf(item)] : undefined;
  return Array.isArray(parts) ? parts : [];
}

/** The field that has the parts of an item: of a message, or of what a caller's function has given back. */
function fieldOf(item: unknown): "content" | "output" {
  return isRecord(item) && withParts.has(item["type"]) ? "output" : "content";
}

const withParts = new Set<unknown>(["function_call_output", "custom_tool_call_output"]);

/** What a caller's answer to a `computer_call` shows. */
function screenshotOf(item: unknown): FilePart | undefined {
  if (!isRecord(item) || item["type"] !== "computer_call_output") return undefined;
  const { output } = item;
  return isScreenshot(output) ? output : undefined;
}

function isScreenshot(output: unknown): output is FilePart {
  return isRecord(output) && output["type"] === "computer_screenshot";
}

function isFilePart(part: unknown): part is FilePart {
  return isRecord(part) && (part["type"] === "input_image" || part["type"] === "input_file");
}
