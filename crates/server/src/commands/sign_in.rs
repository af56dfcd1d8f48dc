//! `chancery sign-in`: OpenID providers, and who needs what to sign in.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use catalog::{AuditEvent, Provider, SecretBox, SignInPolicy};
use clap::Subcommand;
use identity::oidc::{Draft, HttpWeb};
use identity::{By, Identity, SystemRandom};
use model::{Clock as _, ProviderId, TenantId};
use policy::AccountRole;
use serde_json::{Value, json};

use super::print;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::house::House;

/// Longer secrets and settings are refused.
const INPUT_BYTES_MAX: u64 = 256 << 10;

#[derive(Subcommand)]
pub enum Command {
    /// Show or set how accounts sign in
    Policy {
        /// The tenant's name; without it: operators
        #[arg(long)]
        tenant: Option<String>,
        /// Passwords are for administrators only
        #[arg(long, value_name = "TRUE|FALSE")]
        local_for_administrators_only: Option<bool>,
        /// Roles that need a second factor beside a password, between commas; empty for none
        #[arg(long, value_name = "ROLES")]
        second_factor_roles: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// OpenID Connect providers
    #[command(subcommand)]
    Provider(ProviderCommand),
}

#[derive(Subcommand)]
pub enum ProviderCommand {
    /// Add a provider, and print its id
    Add {
        /// The tenant's name; without it operators sign in through the provider
        #[arg(long)]
        tenant: Option<String>,
        /// For the sign-in page
        #[arg(long)]
        name: String,
        /// A JSON file with the settings, as `ProviderSettings` in the description of the API
        #[arg(long, value_name = "FILE")]
        settings: PathBuf,
        /// Read the client's secret or private key from standard input
        #[arg(long)]
        secret_stdin: bool,
        #[arg(long)]
        json: bool,
    },
    /// List the providers of a tenant, or those of operators
    List {
        #[arg(long)]
        tenant: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Remove a provider
    Remove {
        id: ProviderId,
        #[arg(long)]
        json: bool,
    },
    /// Ask a provider for its metadata and keys
    Test {
        id: ProviderId,
        #[arg(long)]
        json: bool,
    },
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    match command {
        Command::Policy { tenant, local_for_administrators_only, second_factor_roles, json } => {
            let tenant = tenant.map(|name| house.tenant_named(&name)).transpose()?;
            let tenant = tenant.map(|tenant| tenant.id);
            let before = house.catalog.sign_in_policy(tenant)?;
            let mut after = before.clone();
            if let Some(only) = local_for_administrators_only {
                after.local_for_administrators_only = only;
            }
            if let Some(roles) = second_factor_roles {
                after.second_factor_roles = parse_roles(&roles)?;
            }
            set_policy(&house, tenant, &before, &after)?;
            show_policy(&after, json);
            Ok(ExitCode::SUCCESS)
        }
        Command::Provider(command) => provider(&house, command),
    }
}

fn set_policy(
    house: &House,
    tenant: Option<TenantId>,
    before: &SignInPolicy,
    after: &SignInPolicy,
) -> anyhow::Result<()> {
    if before == after {
        return Ok(());
    }
    house.catalog.set_sign_in_policy(tenant, after)?;
    let detail = json!({ "before": before, "after": after });
    let by = By::server("command line");
    let now = SystemClock.now();
    house.catalog.audit(&[by.event(tenant, "sign-in.policy", String::new(), detail, now)])?;
    Ok(())
}

fn show_policy(policy: &SignInPolicy, json: bool) {
    let roles: Vec<&str> = policy.second_factor_roles.iter().map(|role| role.name()).collect();
    let only = policy.local_for_administrators_only;
    if json {
        let shown = json!({ "localForAdministratorsOnly": only, "secondFactorRoles": roles });
        print(&shown.to_string());
    } else {
        print(&format!("passwords for administrators only: {only}"));
        print(&format!("second factor: {}", roles.join(", ")));
    }
}

fn parse_roles(text: &str) -> anyhow::Result<Vec<AccountRole>> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    let mut roles = names.map(str::parse).collect::<Result<Vec<AccountRole>, _>>()?;
    roles.sort_unstable();
    roles.dedup();
    Ok(roles)
}

fn provider(house: &House, command: ProviderCommand) -> anyhow::Result<ExitCode> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let identity = Identity::new(Arc::clone(&house.catalog), Arc::new(SystemRandom))?
        .with_secrets(SecretBox::new(&house.master_key()?.settings_secret())?)
        .with_web(Arc::new(HttpWeb::new(runtime.handle().clone())));
    let now = SystemClock.now();
    match command {
        ProviderCommand::Add { tenant, name, settings, secret_stdin, json } => {
            let tenant = tenant.map(|name| house.tenant_named(&name)).transpose()?;
            let tenant = tenant.map(|tenant| tenant.id);
            let text = std::fs::read_to_string(&settings)
                .with_context(|| format!("cannot read {}", settings.display()))?;
            let settings: api::dto::ProviderSettings = serde_json::from_str(&text)
                .with_context(|| format!("{} is not valid", settings.display()))?;
            let secret = secret_stdin.then(read_secret).transpose()?;
            let draft = Draft { name, enabled: true, secret, settings: settings.into() };
            let added = identity.add_provider(tenant, &draft, &event(tenant, "add"), now)?;
            match json {
                true => print(&shown(added).to_string()),
                false => print(&added.id.to_string()),
            }
        }
        ProviderCommand::List { tenant, json } => {
            let tenant = tenant.map(|name| house.tenant_named(&name)).transpose()?;
            let all = house.catalog.providers(tenant.map(|tenant| tenant.id))?;
            if json {
                print(&Value::from_iter(all.into_iter().map(shown)).to_string());
            } else {
                for it in all {
                    let state = if it.enabled { "" } else { "  (switched off)" };
                    print(&format!("{}  {}  {}{state}", it.id, it.name, it.settings.issuer));
                }
            }
        }
        ProviderCommand::Remove { id, json } => {
            let found = one(house, id)?;
            identity.remove_provider(&found, &event(found.tenant, "remove"))?;
            if json {
                print(&json!({ "removed": id }).to_string());
            }
        }
        ProviderCommand::Test { id, json } => {
            let tested = identity.test_provider(&one(house, id)?, now)?;
            let code = tested.refusal.map(identity::oidc::Refusal::code);
            let (issuer, keys) = (&tested.issuer, tested.keys);
            match (json, tested.refusal) {
                (true, _) => print(
                    &json!({ "ok": code.is_none(), "code": code, "issuer": issuer, "keys": keys })
                        .to_string(),
                ),
                (false, None) => print(&format!("in order: {keys} keys")),
                (false, Some(refusal)) => print(&format!("{}: {refusal}", refusal.code())),
            }
            if tested.refusal.is_some() {
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn one(house: &House, id: ProviderId) -> anyhow::Result<Provider> {
    house.catalog.provider(id)?.with_context(|| format!("there is no provider {id}"))
}

fn event(tenant: Option<TenantId>, what: &str) -> AuditEvent {
    let action = format!("sign-in.provider.{what}");
    By::server("command line").event(tenant, &action, String::new(), Value::Null, SystemClock.now())
}

fn shown(provider: Provider) -> Value {
    json!({
        "id": provider.id,
        "name": provider.name,
        "enabled": provider.enabled,
        "hasSecret": provider.secret.is_some(),
        "settings": api::dto::ProviderSettings::from(provider.settings),
    })
}

fn read_secret() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().take(INPUT_BYTES_MAX).read_to_string(&mut text).context("no secret")?;
    Ok(text.trim().to_owned())
}
