/** The rows of a generated job. */
import type { JSONValue } from "postgres";

export interface JobRow {
  [column: string]: JSONValue;
  id: string;
  owner_id: string | null;
  status: string;
  route: string;
  created_at: string;
}
export type ChildRow = Record<string, JSONValue>;

export interface Rows {
  jobs: JobRow[];
  attempts: ChildRow[];
  steps: ChildRow[];
}
