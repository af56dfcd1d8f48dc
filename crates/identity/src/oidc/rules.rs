//! Which role a person has: the administrator's rules on what the provider says.

use catalog::{ClaimOperator, ClaimSource, RoleRule};
use policy::AccountRole;
use serde_json::Value;

use super::person::{GROUPS, Person};

/// What the rules say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// A rule about groups comes first, and the groups are not known: neither "none" nor "all".
    GroupsUnknown,
    NoRole,
    Role(AccountRole),
}

/// The first rule that fits decides.
pub(super) fn decide(rules: &[RoleRule], person: &Person) -> Decision {
    for rule in rules {
        let claims = match rule.source {
            ClaimSource::IdToken => &person.claims,
            ClaimSource::UserInfo => &person.user_info,
        };
        if rule.claim == GROUPS && person.groups_unknown {
            return Decision::GroupsUnknown;
        }
        let value = claims.get(&rule.claim).or_else(|| inner(claims, &rule.claim));
        if value.is_some_and(|value| fits(rule, value)) {
            return Decision::Role(rule.role);
        }
    }
    Decision::NoRole
}

/// `realm_access.roles`: a member of an object.
fn inner<'v>(claims: &'v super::token::Claims, path: &str) -> Option<&'v Value> {
    let (first, rest) = path.split_once('.')?;
    rest.split('.').try_fold(claims.get(first)?, |value, name| value.get(name))
}

fn fits(rule: &RoleRule, value: &Value) -> bool {
    let wanted = rule.value.trim().to_lowercase();
    if wanted.is_empty() {
        return false;
    }
    let (texts, is_list) = match value {
        Value::Array(elements) => (elements.iter().filter_map(text).collect(), true),
        other => (text(other).into_iter().collect::<Vec<String>>(), false),
    };
    texts.iter().any(|text| match rule.operator {
        ClaimOperator::Contains if is_list => *text == wanted,
        ClaimOperator::Contains => text.contains(&wanted),
        ClaimOperator::EndsWith => text.ends_with(&wanted),
        ClaimOperator::Equals => *text == wanted,
        ClaimOperator::In => wanted.split(',').any(|one| one.trim() == text),
        ClaimOperator::StartsWith => text.starts_with(&wanted),
    })
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_lowercase()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(claim: &str, operator: ClaimOperator, value: &str, role: AccountRole) -> RoleRule {
        let (claim, value) = (claim.to_owned(), value.to_owned());
        RoleRule { source: ClaimSource::IdToken, claim, operator, value, role }
    }

    fn check(claims: Value, rules: &[RoleRule], expected: Decision) {
        let Value::Object(claims) = claims else { panic!("claims are an object") };
        let person = Person { claims, ..Person::default() };
        assert_eq!(decide(rules, &person), expected);
    }

    #[test]
    fn the_first_rule_that_fits_decides_and_none_gives_no_role() {
        use AccountRole::{Administrator, Auditor, User};
        use ClaimOperator::{Contains, EndsWith, Equals, In, StartsWith};
        let rules = [
            rule("roles", Contains, "Archive.Admin", Administrator),
            rule("realm_access.roles", Equals, "audit", Auditor),
            rule("department", In, "Legal, Audit", Auditor),
            rule("title", StartsWith, "Head of", Auditor),
            rule("email", EndsWith, "@corp.test", User),
            rule("office", Contains, "Berlin", User),
        ];
        let role = Decision::Role;
        for (claims, expected) in [
            (json!({ "roles": ["archive.admin"], "email": "a@corp.test" }), role(Administrator)),
            (json!({ "roles": ["Archive.Administrators"] }), Decision::NoRole),
            (json!({ "realm_access": { "roles": ["x", "AUDIT"] } }), role(Auditor)),
            (json!({ "department": "audit" }), role(Auditor)),
            (json!({ "department": "Legal, Audit" }), Decision::NoRole),
            (json!({ "title": "Head of Sales" }), role(Auditor)),
            (json!({ "email": "a@CORP.test" }), role(User)),
            (json!({ "email": "a@corp.test.evil" }), Decision::NoRole),
            (json!({ "office": "West Berlin" }), role(User)),
            (json!({ "roles": { "x": 1 }, "email": 5 }), Decision::NoRole),
            (json!({}), Decision::NoRole),
        ] {
            check(claims, &rules, expected);
        }
        check(json!({ "a": "b" }), &[], Decision::NoRole);
        check(json!({ "a": "" }), &[rule("a", Contains, " ", User)], Decision::NoRole);
    }

    #[test]
    fn groups_that_are_not_known_give_neither_role_nor_none() {
        let by_role = rule("roles", ClaimOperator::Contains, "admin", AccountRole::Administrator);
        let by_group = rule(GROUPS, ClaimOperator::Contains, "g1", AccountRole::Auditor);
        let anybody = rule("tid", ClaimOperator::StartsWith, "1", AccountRole::User);
        let rules = [by_role, by_group, anybody];
        let person = |roles: Value| {
            let Value::Object(claims) = json!({ "roles": roles, "tid": "1" }) else {
                panic!("an object")
            };
            Person { claims, groups_unknown: true, ..Person::default() }
        };
        let admin = Decision::Role(AccountRole::Administrator);
        assert_eq!(decide(&rules, &person(json!(["admin"]))), admin);
        assert_eq!(decide(&rules, &person(json!([]))), Decision::GroupsUnknown);
    }
}
