/// Whether a tool is there; without it the test says so and ends, unless tools are required.
pub fn has_tool(path: &str, package: &str) -> bool {
    if std::path::Path::new(path).exists() {
        return true;
    }
    assert!(
        std::env::var_os("CHANCERY_REQUIRE_TOOLS").is_none(),
        "{path} is missing: install the package {package}"
    );
    eprintln!("SKIPPED: {path} is missing: install the package {package}");
    false
}
