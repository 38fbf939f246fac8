/** The model of the route that sometimes ignores `require_approval`. It has its own file because the profiles are bundled. */
export const deafModel = "gpt-6.1-deaf";
