import { z } from "zod";

/** The parts of JSON Schema that strict outputs may use. */
const NodeSchema = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  $ref: z.string().optional(),
  format: z.string().optional(),
  minimum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  maximum: z.number().optional(),
  minItems: z.number().optional(),
  minLength: z.number().optional(),
  maxLength: z.number().optional(),
});

const formats: Record<string, string> = {
  "date-time": "2026-11-23T09:00:00Z",
  date: "2026-11-23",
  time: "09:00:00Z",
  email: "sam@brightfield.example",
  uuid: "6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
  uri: "https://example.com/",
  ipv4: "192.0.2.1",
};

const maxDepth = 12;

/**
 * A value that fits a JSON schema: facts where a property has the name of one and its type, `text`
 * for other strings, the smallest thing allowed elsewhere.
 */
export function fitSchema(
  root: unknown,
  text: string,
  known: Readonly<Record<string, unknown>>,
): unknown {
  return fit(root, undefined, 0);

  function fit(schema: unknown, name: string | undefined, depth: number): unknown {
    const node = NodeSchema.parse(typeof schema === "object" && schema !== null ? schema : {});
    if (depth > maxDepth) return null;
    if (node.$ref !== undefined) return fit(resolveRef(root, node.$ref), name, depth + 1);
    if ("const" in node && node.const !== undefined) return node.const;
    if (node.enum !== undefined) return node.enum[0];
    const branch = (node.anyOf ?? node.oneOf)?.[0];
    if (branch !== undefined) return fit(branch, name, depth + 1);
    const type = Array.isArray(node.type) ? node.type[0] : node.type;
    const fact = name === undefined ? undefined : known[name];
    switch (type) {
      case "object":
        return Object.fromEntries(
          Object.entries(node.properties ?? {}).map(([key, inner]) => [
            key,
            fit(inner, key, depth + 1),
          ]),
        );
      case "array":
        return Array.from(
          { length: node.minItems ?? 1 },
          () => fit(node.items, undefined, depth + 1),
        );
      case "integer":
      case "number":
        return clamp(typeof fact === "number" ? fact : 0, node);
      case "boolean":
        return typeof fact === "boolean" ? fact : true;
      case "null":
        return null;
      default:
        return string(typeof fact === "string" ? fact : text, node);
    }
  }
}

type Node = z.infer<typeof NodeSchema>;

function clamp(value: number, node: Node): number {
  const lowest = node.minimum ??
    (node.exclusiveMinimum === undefined ? -Infinity : node.exclusiveMinimum + 1);
  return Math.min(Math.max(value, lowest), node.maximum ?? Infinity);
}

function string(value: string, node: Node): string {
  const formatted = node.format === undefined ? value : formats[node.format] ?? value;
  return formatted.slice(0, node.maxLength).padEnd(node.minLength ?? 0, ".");
}

/** `#/$defs/Name`, step by step from the root. */
function resolveRef(root: unknown, ref: string): unknown {
  return ref.split("/").slice(1).reduce<unknown>(
    (node, key) =>
      typeof node === "object" && node !== null
        ? Object.entries(node).find(([name]) => name === key)?.[1]
        : undefined,
    root,
  );
}
