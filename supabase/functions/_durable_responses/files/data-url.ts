/** Content that was sent as data. All work is native, because 10 MB must not use up a function's 2 s of CPU. */
import { Buffer } from "node:buffer";
import { dataOf, type FilePart } from "../model/files.ts";

/** The types that OpenAI reads as images, each with its file extension. */
const images: Readonly<Record<string, string>> = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/jpg": "jpg",
  "image/webp": "webp",
  "image/gif": "gif",
};
/** Extensions of other files. OpenAI recognizes a file's type by its extension. */
const documents: Readonly<Record<string, string>> = {
  "application/pdf": "pdf",
  "application/json": "json",
  "text/plain": "txt",
  "text/markdown": "md",
  "text/csv": "csv",
  "text/html": "html",
  "application/msword": "doc",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
  "application/vnd.ms-excel": "xls",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
  "application/vnd.ms-powerpoint": "ppt",
  "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
};
/** Longest head of a data URL, in characters. */
const maxHead = 300;
const mimeType = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/;

/** A part's content. */
export interface Content {
  bytes: Uint8Array<ArrayBuffer>;
  mime: string;
  extension: string;
}

/** @returns the content, or what is wrong with it */
export function contentOf(part: FilePart): Content | { flaw: string } {
  const data = dataOf(part) ?? "";
  const comma = data.slice(0, maxHead).indexOf(",");
  const isUrl = /^data:/i.test(data);
  if (isUrl && comma === -1) return { flaw: "its data URL has no comma before the data" };
  // A file may be plain base64. Then only its name says what it is.
  const head = isUrl ? data.slice("data:".length, comma) : `${typeByName(part)};base64`;
  const [mime = "", ...settings] = head.toLowerCase().split(";").map((each) => each.trim());
  const isImage = part.type !== "input_file";
  const known = isImage ? images : documents;
  if (!settings.includes("base64")) {
    return { flaw: "its data must be base64, as in data:image/png;base64,iVBORw0…" };
  }
  if (isImage ? !Object.hasOwn(images, mime) : !mimeType.test(mime)) {
    const wanted = isImage
      ? "image/png, image/jpeg, image/webp or image/gif"
      : "a MIME type such as application/pdf";
    return { flaw: `its type must be ${wanted}, but is '${mime.slice(0, 100)}'` };
  }
  const text = isUrl ? data.slice(comma + 1) : data;
  const bytes = Buffer.from(text, "base64");
  // Decoding skips invalid characters, so the result is compared.
  if (bytes.toString("base64") !== text) return { flaw: "its data is not base64" };
  if (bytes.length === 0) return { flaw: "it is empty" };
  return {
    bytes: new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length),
    mime,
    extension: known[mime] ?? "bin",
  };
}

function typeByName({ filename }: FilePart): string {
  const extension = typeof filename === "string" ? filename.toLowerCase().split(".").at(-1) : "";
  return Object.entries(documents).find(([, known]) => known === extension)?.[0] ??
    "application/octet-stream";
}
