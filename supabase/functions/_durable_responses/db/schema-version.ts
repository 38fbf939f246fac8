/**
 * The major version of the schema that these functions are written for. A database with another major version refuses them
 * (schema_mismatch), and nothing is lost. Another minor version fits. See docs/operating.md, "Upgrading".
 */
export const schemaMajor = 1;
