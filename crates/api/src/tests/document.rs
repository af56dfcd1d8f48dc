//! The client of the user interface is generated from `web/openapi.json`.

use std::path::Path;

#[test]
fn the_published_description_is_that_of_the_routes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/openapi.json");
    let current = crate::openapi_json();
    if std::env::var_os("CHANCERY_BLESS").is_some() {
        std::fs::write(&path, &current).expect("web/openapi.json can be written");
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        published == current,
        "web/openapi.json is not what the routes say; write it anew with \
         `CHANCERY_BLESS=1 cargo test -p api the_published_description`, then `npm run generate` in web/"
    );
}
