//! Opens what lies in the data folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use catalog::{Catalog, Tenant};
use index::SearchIndex;
use store::{MasterKey, Vault};

use crate::config::Config;

/// The data folder and the catalog: enough for chores on tenants and accounts, also while the
/// server runs.
pub struct House {
    pub folder: PathBuf,
    pub catalog: Arc<dyn Catalog>,
}

impl House {
    /// Opens the data folder; makes it, readable by its owner only, when it is not there.
    ///
    /// # Errors
    /// When the folder cannot be made or the catalog cannot be opened.
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        let folder = config.data_folder();
        create_private(&folder)?;
        let catalog = catalog::open(&format!("sqlite:{}", Self::catalog_file(&folder).display()))
            .context(
            "cannot open the catalog (chancery rebuild makes it anew from the vault)",
        )?;
        Ok(Self { folder, catalog })
    }

    pub fn catalog_file(folder: &Path) -> PathBuf {
        folder.join("catalog.sqlite")
    }

    pub fn control_socket(&self) -> PathBuf {
        self.folder.join("control.sock")
    }

    /// # Errors
    /// When there is none of this name.
    pub fn tenant_named(&self, name: &str) -> anyhow::Result<Tenant> {
        let tenant = self.catalog.tenant_named(name)?;
        tenant.with_context(|| format!("there is no tenant {name:?} (chancery tenant list)"))
    }

    /// The master key: read, or made when this data folder has none and no vault yet.
    ///
    /// # Errors
    /// When the file is damaged, or missing where a vault is.
    pub fn master_key(&self) -> anyhow::Result<MasterKey> {
        MasterKey::open_or_create(&self.folder.join("master.key"), &self.folder.join("vault"))
            .context("cannot open the master key")
    }

    /// # Errors
    /// When another process writes it, or the master key is another one.
    pub fn vault(&self, key: &MasterKey) -> anyhow::Result<Arc<Vault>> {
        let vault = Vault::open(&self.folder.join("vault"), key, store::VaultOptions::default());
        Ok(Arc::new(vault.context("cannot open the vault")?))
    }

    /// # Errors
    /// When the folder cannot be made.
    pub fn index(&self) -> anyhow::Result<Arc<dyn SearchIndex>> {
        let folder = self.folder.join("index");
        let index =
            index::open(&format!("tantivy:{}", folder.display()), index::Options::default());
        Ok(Arc::from(index.context("cannot open the index")?))
    }
}

fn create_private(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;

    if folder.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot make the data folder {}", folder.display()))
}
