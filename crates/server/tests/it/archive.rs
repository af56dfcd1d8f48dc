//! What an archive holds, as text that two archives can be compared by.

use std::collections::BTreeMap;

use serde_json::Value;
use testkit::http::Client;

use crate::house::search_all;

/// For each mail, by its content id, what does not depend on when and where it was archived.
pub fn contents(auditor: &mut Client) -> BTreeMap<String, String> {
    let ids = search_all(auditor, "");
    let mut contents = BTreeMap::new();
    for id in ids {
        let page = auditor.get_json(&format!("/api/v1/records/{id}")).expect("a record");
        let texts = |list: &Value, keys: &[&str]| {
            let mut all: Vec<String> = list
                .as_array()
                .into_iter()
                .flatten()
                .map(|item| {
                    keys.iter().map(|key| item[*key].to_string()).collect::<Vec<_>>().join(" ")
                })
                .collect();
            all.sort();
            all.join("\n")
        };
        let recipients = texts(
            &page["recipients"],
            &["address", "role", "provenance", "expandedFrom", "forwardedFrom"],
        );
        let reports = texts(&page["reports"], &["contentId", "sizeBytes"]);
        let doubled =
            contents.insert(page["contentId"].to_string(), format!("{recipients}\n{reports}"));
        assert!(doubled.is_none(), "record {id} is there twice");
    }
    contents
}
