//! Connecting, changing and disconnecting directories.

use serde_json::{Value, json};

use super::world::{A, Who, World};

const CONFIG: &str =
    r#"{"hosts":["127.0.0.1:1"],"security":"clear","bindDn":"cn=reader","peopleBases":["dc=a"]}"#;

async fn add(world: &World, password: &str) -> Value {
    let body = format!(r#"{{"name":"Head office","config":{CONFIG},"password":"{password}"}}"#);
    let answer = world.call(Who::Administrator, "POST", "/api/v1/directories", Some(&body)).await;
    assert_eq!(answer.outcome(), "200", "{}", answer.text());
    answer.json()
}

fn path(directory: &Value) -> String {
    format!("/api/v1/directories/{}", directory["id"].as_str().expect("an id"))
}

#[tokio::test]
async fn a_bind_password_is_sealed_and_never_told() {
    let world = World::new();
    let added = add(&world, "geheim!").await;
    assert_eq!(added["hasPassword"], true);
    let saved = world.catalog.directories(Some(A)).expect("read").remove(0);
    assert!(!saved.password.expect("sealed").contains("geheim"));
    for part in ["", "/runs"] {
        let told = world.get(Who::Administrator, &(path(&added) + part)).await;
        assert!(!told.text().contains("geheim"), "{}", told.text());
    }
    let log = world.catalog.audit_log(Some(A), &Default::default(), 10).expect("read");
    assert_eq!(log[0].event.action, "directory.add");
    assert!(!log[0].event.detail.to_string().contains("geheim"));
}

#[tokio::test]
async fn another_host_is_not_given_the_saved_password() {
    let world = World::new();
    let added = add(&world, "geheim!").await;
    let id = added["id"].as_str().expect("an id");
    let elsewhere = CONFIG.replace("127.0.0.1:1", "127.0.0.1:2");
    let change = format!(r#"{{"name":"Head office","config":{elsewhere}}}"#);
    let test = format!(r#"{{"id":"{id}","config":{elsewhere}}}"#);
    for (method, path, body) in
        [("PUT", path(&added), change), ("POST", "/api/v1/directories/test".to_owned(), test)]
    {
        let answer = world.call(Who::Administrator, method, &path, Some(&body)).await;
        assert_eq!(answer.outcome(), "400 password-needed", "{method} {path}");
    }
    // The same way with another filter keeps it.
    let filter = CONFIG.replace(r#""peopleBases""#, r#""peopleFilter":"(mail=*)","peopleBases""#);
    let body = format!(r#"{{"name":"Renamed","config":{filter}}}"#);
    let kept = world.call(Who::Administrator, "PUT", &path(&added), Some(&body)).await.json();
    assert_eq!((&kept["hasPassword"], &kept["name"]), (&json!(true), &json!("Renamed")));
    assert_eq!(kept["config"]["peopleFilter"], "(mail=*)");
}

#[tokio::test]
async fn a_configuration_that_cannot_work_is_refused_with_the_reason() {
    let world = World::new();
    for (config, reason) in [
        (r#"{"hosts":[],"peopleBases":["dc=a"]}"#, "between one and"),
        (r#"{"hosts":["a"],"peopleBases":[]}"#, "base"),
        (r#"{"hosts":["a"],"peopleBases":["dc=a"],"peopleFilter":"(mail=*"}"#, "parenthesis"),
        (
            r#"{"hosts":["a"],"peopleBases":["dc=a"],"rules":[{"group":"x","effect":"role","role":"operator"}]}"#,
            "operators",
        ),
        (r#"{"hosts":["a b"],"peopleBases":["dc=a"]}"#, "no host"),
    ] {
        let body = format!(r#"{{"name":"x","config":{config}}}"#);
        let answer =
            world.call(Who::Administrator, "POST", "/api/v1/directories", Some(&body)).await;
        assert_eq!(answer.outcome(), "400 directory-config", "{config}");
        assert!(answer.text().contains(reason), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_directory_is_disconnected_and_its_name_is_free_again() {
    let world = World::new();
    let added = add(&world, "").await;
    assert_eq!(added["hasPassword"], false);
    let twice = format!(r#"{{"name":"HEAD OFFICE","config":{CONFIG}}}"#);
    let refused = world.call(Who::Administrator, "POST", "/api/v1/directories", Some(&twice)).await;
    assert_eq!(refused.outcome(), "409 directory-name-taken");
    let gone = world.call(Who::Administrator, "DELETE", &path(&added), None).await;
    assert_eq!(gone.outcome(), "204");
    let missing = world.get(Who::Administrator, &path(&added)).await;
    assert_eq!(missing.outcome(), "404 not-found");
    add(&world, "").await;
}

#[tokio::test]
async fn a_test_ends_at_the_step_that_fails() {
    let world = World::new();
    let body = format!(r#"{{"config":{CONFIG},"password":"x"}}"#);
    let answer =
        world.call(Who::Administrator, "POST", "/api/v1/directories/test", Some(&body)).await;
    let answer = answer.json();
    assert_eq!(answer["ok"], false);
    assert_eq!(answer["steps"][0]["state"], "done");
    assert_eq!(answer["steps"][1]["name"], "connect");
    assert_eq!(answer["steps"][1]["state"], "failed");
    assert_eq!(answer["steps"].as_array().map(Vec::len), Some(2));
}

#[test]
fn the_description_names_what_the_catalog_keeps() {
    let document: Value = serde_json::from_str(&crate::openapi_json()).expect("JSON");
    let names = |schema: &str| -> Vec<String> {
        let properties = &document["components"]["schemas"][schema]["properties"];
        let mut names: Vec<String> =
            properties.as_object().expect("properties").keys().cloned().collect();
        names.sort();
        names
    };
    let kept = serde_json::to_value(catalog::DirectoryConfig::default()).expect("JSON");
    let keys = |value: &Value| -> Vec<String> {
        let mut keys: Vec<String> = value.as_object().expect("an object").keys().cloned().collect();
        keys.sort();
        keys
    };
    assert_eq!(names("DirectoryConfig"), keys(&kept));
    assert_eq!(names("DirectoryAttributes"), keys(&kept["attributes"]));
    for rule in [
        r#"{"group":"g","effect":"role","role":"auditor"}"#,
        r#"{"group":"g","effect":"mailbox","mailbox":"info"}"#,
        r#"{"group":"g","effect":"archived","archived":true}"#,
    ] {
        let kept: catalog::MappingRule = serde_json::from_str(rule).expect("a rule");
        let json = serde_json::to_value(&kept).expect("JSON");
        assert_eq!(json, serde_json::from_str::<Value>(rule).expect("JSON"));
        let known = names("DirectoryRule");
        assert!(keys(&json).iter().all(|key| known.contains(key)), "{rule}");
    }
}
