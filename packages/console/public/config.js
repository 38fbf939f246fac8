// What this console opens. Fill it in, or leave it and give the page's address ?url=…&key=…, or type both
// into the page. The publishable key is public; a secret key never goes in here.
//
// window.DURABLE_RESPONSES_CONSOLE = {
//   url: "https://<ref>.supabase.co",
//   publishableKey: "sb_publishable_…",
//   profiles: ["default", "mail"],
// };
