mod access;
mod account_access;
mod accounts;
pub mod audit;
mod certificates;
mod compaction;
mod dashboard;
mod directories;
mod directory_answers;
mod disposal;
mod documents;
mod evidence;
mod fetch;
mod fetch_answers;
mod fetch_lists;
mod grants;
mod groups;
mod jobs;
mod ledger;
pub mod log;
mod matters;
mod me;
mod probes;
mod providers;
mod quarantine;
pub mod records;
mod retention;
pub mod search;
mod session;
mod settings;
mod sheets;
mod sign_in;
mod sources;
mod status;
mod system;
mod takeout;
mod tenant;
mod tenants;
mod tokens;

use axum::extract::DefaultBodyLimit;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

#[derive(OpenApi)]
#[openapi(info(
    title = "Chancery",
    version = "1",
    description = "What one may not see does not exist: 404. Requests that change something carry \
                   the header X-CSRF-Token. Errors are problem details (RFC 9457)."
))]
struct Document;

/// All routes below `/api`, and their description.
pub fn all() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(session::sign_in, session::session, session::sign_out))
        .routes(routes!(session::change_password))
        .routes(routes!(session::show_second_factor))
        .routes(routes!(session::passkey_challenge))
        .routes(routes!(me::second_factors))
        .routes(routes!(me::offer_totp, me::remove_totp))
        .routes(routes!(me::confirm_totp))
        .routes(routes!(me::offer_passkey))
        .routes(routes!(me::confirm_passkey))
        .routes(routes!(me::remove_passkey))
        .routes(routes!(me::new_recovery_codes))
        .routes(routes!(me::sessions, me::end_other_sessions))
        .routes(routes!(me::end_session))
        .routes(routes!(tokens::tokens, tokens::create_token))
        .routes(routes!(tokens::revoke_token))
        .routes(routes!(account_access::sessions, account_access::end_sessions))
        .routes(routes!(account_access::second_factors))
        .routes(routes!(account_access::reset_second_factors))
        .routes(routes!(account_access::tokens))
        .routes(routes!(account_access::revoke_token))
        .routes(routes!(sign_in::policy, sign_in::set_policy))
        .routes(routes!(sign_in::methods))
        .routes(routes!(sign_in::begin))
        .routes(routes!(sign_in::come_back))
        .routes(routes!(providers::providers, providers::add_provider))
        .routes(routes!(
            providers::provider,
            providers::change_provider,
            providers::remove_provider
        ))
        .routes(routes!(providers::test_provider))
        .routes(routes!(providers::link_account, providers::unlink_account))
        .routes(routes!(providers::account_links))
        .routes(routes!(search::search))
        .routes(routes!(search::suggest))
        .routes(routes!(records::record))
        .routes(routes!(records::record_html))
        .routes(routes!(records::record_source))
        .routes(routes!(records::record_eml))
        .routes(routes!(records::report_eml))
        .routes(routes!(records::attachment))
        .routes(routes!(records::inline_image))
        .routes(routes!(quarantine::quarantine))
        .routes(routes!(quarantine::retry_quarantined))
        .routes(routes!(quarantine::release_quarantined))
        .routes(routes!(quarantine::discard_quarantined))
        .routes(routes!(quarantine::bulk_quarantined))
        .routes(routes!(takeout::exports, takeout::begin_export))
        .routes(routes!(takeout::export, takeout::remove_export))
        .routes(routes!(takeout::cancel_export))
        .routes(routes!(takeout::export_file))
        .routes(routes!(takeout::restores, takeout::begin_restore))
        .routes(routes!(takeout::restore))
        .routes(routes!(takeout::cancel_restore))
        .routes(routes!(evidence::record_evidence))
        .routes(routes!(evidence::record_proof))
        .routes(routes!(matters::matters, matters::open_matter))
        .routes(routes!(matters::preview_matter))
        .routes(routes!(matters::matter, matters::change_matter))
        .routes(routes!(matters::close_matter))
        .routes(routes!(matters::matter_records))
        .routes(routes!(matters::place_hold))
        .routes(routes!(matters::holds))
        .routes(routes!(matters::release_hold))
        .routes(routes!(ledger::evidence))
        .routes(routes!(ledger::batches))
        .routes(routes!(ledger::reports))
        .routes(routes!(ledger::scrub))
        .routes(routes!(dashboard::dashboard))
        .routes(routes!(retention::retention_policies, retention::make_version))
        .routes(routes!(retention::ready_retention_sets))
        .routes(routes!(retention::ask_survey))
        .routes(routes!(retention::retention_survey))
        .routes(routes!(retention::retention_calendar))
        .routes(routes!(retention::suspend_class))
        .routes(routes!(retention::resume_class))
        .routes(routes!(retention::exclusions, retention::set_exclusions))
        .routes(routes!(retention::label_mails))
        .routes(routes!(disposal::disposal_runs, disposal::propose_disposal))
        .routes(routes!(disposal::propose_erasure))
        .routes(routes!(disposal::disposal_run))
        .routes(routes!(disposal::disposal_items))
        .routes(routes!(disposal::disposal_items_csv))
        .routes(routes!(certificates::disposal_summary))
        .routes(routes!(certificates::disposal_certificate))
        .routes(routes!(disposal::approve_disposal))
        .routes(routes!(disposal::reject_disposal))
        .routes(routes!(jobs::jobs))
        .routes(routes!(jobs::job))
        .routes(routes!(jobs::cancel_job))
        .routes(routes!(sources::sources, sources::create_source))
        .routes(routes!(sources::change_source))
        .routes(routes!(sources::rotate_source))
        .routes(routes!(tenant::own_tenant))
        .routes(routes!(tenant::change_settings))
        .routes(routes!(tenant::domains_list, tenant::add_domain))
        .routes(routes!(tenant::remove_domain))
        .routes(routes!(tenants::tenants, tenants::create_tenant))
        .routes(routes!(tenants::tenant_detail, tenants::change_tenant))
        .routes(routes!(tenants::suspend_tenant))
        .routes(routes!(tenants::resume_tenant))
        .routes(routes!(tenants::export_tenant))
        .routes(routes!(tenants::remove_tenant))
        .routes(routes!(accounts::accounts, accounts::create_account))
        .routes(routes!(accounts::select_accounts))
        .routes(routes!(accounts::account, accounts::change_account))
        .routes(routes!(accounts::reset_password))
        .routes(routes!(accounts::give_address))
        .routes(routes!(accounts::end_address))
        .routes(routes!(groups::remove_group, groups::group))
        .merge(long_lists())
        .merge(imports())
        .routes(routes!(sheets::export_accounts))
        .routes(routes!(audit::audit))
        .routes(routes!(audit::export_audit))
        .routes(routes!(grants::grants, grants::give_grant))
        .routes(routes!(grants::revoke_grant))
        .routes(routes!(access::access_requests, access::request_access))
        .routes(routes!(access::access_request))
        .routes(routes!(access::approve_access))
        .routes(routes!(access::reject_access))
        .routes(routes!(access::revoke_access))
        .routes(routes!(access::mailboxes))
        .routes(routes!(directories::directories, directories::add_directory))
        .routes(routes!(directories::directory_presets))
        .routes(routes!(directories::test_directory))
        .routes(routes!(
            directories::directory,
            directories::change_directory,
            directories::remove_directory
        ))
        .routes(routes!(directories::test_saved_directory))
        .routes(routes!(directories::preview_directory))
        .routes(routes!(directories::sync_directory))
        .routes(routes!(directories::directory_runs))
        .merge(fetched())
        .routes(routes!(status::status))
        .routes(routes!(status::health))
        .routes(routes!(log::log))
        .routes(routes!(log::recent_log))
        .routes(routes!(settings::settings, settings::change_settings))
        .routes(routes!(settings::notifications))
        .routes(routes!(settings::send_test_mail))
        .routes(routes!(system::system))
        .routes(routes!(compaction::compaction, compaction::compact))
        .routes(routes!(system::connect_microsoft365))
        .routes(routes!(system::check_microsoft365))
        .routes(routes!(probes::healthz))
        .routes(routes!(probes::readyz))
        .routes(routes!(probes::metrics))
        .routes(routes!(documents::openapi))
}

/// Sources that are fetched.
fn fetched() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(fetch::fetch_sources, fetch::add_fetch_source))
        .routes(routes!(fetch::test_fetch_source))
        .routes(routes!(
            fetch::fetch_source,
            fetch::change_fetch_source,
            fetch::remove_fetch_source
        ))
        .routes(routes!(fetch::poll_fetch_source))
        .routes(routes!(fetch::pause_fetch_source))
        .routes(routes!(fetch::resume_fetch_source))
        .routes(routes!(fetch::reset_fetch_source))
        .routes(routes!(fetch::reconcile_fetch_source))
        .routes(routes!(fetch::retry_left_mails))
        .routes(routes!(fetch_lists::fetch_runs))
        .routes(routes!(fetch_lists::left_mails))
        .routes(routes!(fetch_lists::reconciliations))
}

/// Routes that take long lists of ids.
fn long_lists() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(groups::groups, groups::create_group))
        .routes(routes!(groups::change_group))
        .layer(DefaultBodyLimit::max(groups::MEMBERS_BYTES_MAX))
}

/// Routes that take whole files.
fn imports() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(sheets::preview_import))
        .routes(routes!(sheets::import_accounts))
        .layer(DefaultBodyLimit::max(sheets::IMPORT_BYTES_MAX))
}
