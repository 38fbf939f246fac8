const separator = "__";

/**
 * A tool's name without what stands in front of it: an MCP server whose tools are offered as functions puts its label and two
 * underscores there, and a model knows a tool by what it is called.
 */
export function plainName(tool: string): string {
  const at = tool.lastIndexOf(separator);
  return at < 0 ? tool : tool.slice(at + separator.length);
}
