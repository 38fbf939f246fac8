/**
 * The major version of the database's schema that these functions are written for, as `response_schema_version()` says it. It
 * goes up when functions and database of before and after no longer understand each other; each refuses the other then (DR426),
 * and no job is lost.
 */
export const schemaMajor = 1;
