/**
 * The major version of the schema that these functions are written for. A database with another one refuses them
 * (schema_mismatch) and loses nothing; a minor version more or less fits. See docs/operating.md, "Upgrading".
 */
export const schemaMajor = 1;
