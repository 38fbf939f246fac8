/** Who may execute the functions in public. Every function is named here, so that none is opened or added unnoticed. */

/** authenticated: what a user's client itself calls, with the user's own rights. */
export const userFunctions = [
  "response_attempts",
  "response_overview",
  "response_steps",
  "search_response_jobs",
  "watch_response_job",
  "watch_response_jobs",
];

/** authenticated, not exposed: what policies and the functions above use. */
export const userHelpers = [
  "is_operator",
  "only_owner",
  "refuse_unknown_job",
  "register_watch",
  "sees_all",
  "several_owners",
  "visible_owners",
];

/** With their owner's rights: they write to Realtime, register a watch, or note a deleted user. Why: 12_announcements.sql, 27_deletion.sql. */
export const definerFunctions = [
  "durable_responses.announce(text,text[],jsonb[])",
  "durable_responses.announce_jobs(uuid[])",
  "durable_responses.announce_steps(uuid,integer[])",
  "durable_responses.record_deleted_user()",
  "durable_responses.register_watch(uuid,uuid,boolean)",
];

/**
 * With their owner's rights, for service_role: doctor and connect. The overview is also for operators by claim. The reasons
 * are in 32_health.sql.
 */
export const operatorFunctions = [
  "connect_response_worker(text,text)",
  "probe_response_worker(bigint)",
  "response_doctor()",
  "response_overview()",
];

/** service_role: what the Edge Functions call. */
export const serviceFunctions = [
  // Callers
  "submit_response_job",
  "submit_response_jobs",
  "enqueue_response_job",
  "get_response_job",
  "cancel_response_job",
  "retry_response_job",
  "get_response_record",
  "get_response_records",
  "delete_response_job",
  "delete_response_owner",
  "start_response_job",
  "continue_response_job_in_place",
  "read_response_events",
  "take_response_answer",
  // Files
  "reserve_response_files",
  "get_response_files",
  "claim_unused_response_files",
  "forget_response_files",
  // People's decisions
  "answer_response_approval",
  "answer_response_tool_call",
  "find_response_tool_calls",
  "run_sql_tool",
  "give_up_sql_tool",
  "answer_response_job",
  "resolve_response_job",
  // Background
  "record_background_response",
  "claim_background_job",
  "adopt_background_response",
  "keep_unread_webhook",
  "forget_unread_webhook",
  "is_response_of_another",
  "claim_background_polls",
  "fall_back_response_job",
  "continue_response_job",
  "continue_in_background",
  "record_background_failure",
  "withdraw_continuation",
  "record_ignored_approval",
  "claim_pending_cancels",
  "confirm_upstream_cancel",
  "record_settle_failure",
  "record_upstream_cancel_failure",
  // Either mode
  "complete_response_job",
  "complete_response_jobs",
  "fail_response_job",
  "quarantine_response_job",
  "warn_response_attempt",
  // Workers
  "claim_response_work",
  "renew_response_leases",
  "retry_response_later",
  "release_response_jobs",
  "response_work_due",
  "sign_off_response_worker",
  "register_response_profiles",
  "claim_calls_in_doubt",
  "answer_call_in_doubt",
  "response_schema_version",
  "save_response_steps",
  "open_response_stream",
  "append_response_events",
  "suspend_response_job",
  "watched_response_jobs",
  // Watchers, and operators by claim
  ...userFunctions,
  // The same names embed in response_jobs_internal
  "response_attempts",
  "response_steps",
  // Operators
  "connect_response_worker",
  "probe_response_worker",
  "response_doctor",
  "describe_sql_tools",
];

/** postgres only: pg_cron runs them as the owner. */
export const ownerOnly = [
  "wake_response_worker",
  "prune_response_jobs",
  "run_response_deletions",
];
