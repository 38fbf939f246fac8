/** Key of a job's metadata under which a scenario with several jobs says which one this is. */
export const jobLabel = "demo";
