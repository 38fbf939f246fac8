// The project that this console opens, and the only one that opens without a question. Leave it empty to type the project
// into the page instead. The publishable key is public; a secret key never goes in here.
//
// window.DURABLE_RESPONSES_CONSOLE = {
//   url: "https://<ref>.supabase.co",
//   publishableKey: "sb_publishable_…",
//   profiles: ["default", "mail"],
// };
