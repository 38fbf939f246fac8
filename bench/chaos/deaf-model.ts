/** The model of the route that ignores `require_approval` now and then; a file of its own, since the profiles are bundled. */
export const deafModel = "gpt-6.1-deaf";
