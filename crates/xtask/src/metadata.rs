//! What cargo knows about the workspace.

use anyhow::Context as _;
use serde_json::Value;

use crate::shell;

pub struct Metadata(Value);

pub struct Dependency {
    pub name: String,
    /// `normal`, `dev` or `build`.
    pub kind: String,
}

impl Metadata {
    /// Of the whole tree, dependencies included.
    pub fn read() -> anyhow::Result<Self> {
        let text = shell::output(shell::cargo(&["metadata", "--format-version", "1", "--locked"]))?;
        Ok(Self(serde_json::from_str(&text).context("cargo metadata is not JSON")?))
    }

    pub fn packages(&self) -> impl Iterator<Item = &Value> {
        self.0["packages"].as_array().into_iter().flatten()
    }

    /// Packages of this workspace.
    pub fn ours(&self) -> impl Iterator<Item = &Value> {
        self.packages().filter(|package| package["source"].is_null())
    }

    pub fn target(&self) -> std::path::PathBuf {
        text(&self.0["target_directory"]).into()
    }
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub fn dependencies(package: &Value) -> Vec<Dependency> {
    let listed = package["dependencies"].as_array().into_iter().flatten();
    listed
        .map(|dependency| Dependency {
            name: text(&dependency["name"]).to_owned(),
            kind: dependency["kind"].as_str().unwrap_or("normal").to_owned(),
        })
        .collect()
}
