use std::fmt::Write as _;

/// How many there are.
#[derive(Clone, Copy, Debug)]
pub struct Crowd {
    pub people: u32,
    /// People of one department; departments are groups.
    pub department: u32,
}

/// The LDIF of an OpenLDAP directory: people `u00000`, `u00001`, …, each with a mail address and an
/// alias; departments, divisions of ten departments, and `everybody`, which contains all divisions
/// and is contained in the first department: a loop. All passwords are `secret`.
pub fn open_ldap(crowd: Crowd) -> String {
    let mut ldif = String::from(
        "dn: dc=corp,dc=test\nobjectClass: domain\ndc: corp\n\n\
         dn: ou=People,dc=corp,dc=test\nobjectClass: organizationalUnit\nou: People\n\n\
         dn: ou=Groups,dc=corp,dc=test\nobjectClass: organizationalUnit\nou: Groups\n\n",
    );
    // Writing into a string does not fail.
    for number in 0..crowd.people {
        let _ = write!(ldif, "{}", person(number));
    }
    let departments = crowd.people.div_ceil(crowd.department);
    let divisions = departments.div_ceil(10);
    for department in 0..departments {
        let begin = department * crowd.department;
        let end = (begin + crowd.department).min(crowd.people);
        let mut members: Vec<String> = (begin..end).map(person_dn).collect();
        if department == 0 {
            members.push(group_dn("everybody"));
        }
        group(&mut ldif, &format!("department {department}"), &members);
    }
    for division in 0..divisions {
        let inside = division * 10..(division * 10 + 10).min(departments);
        let members: Vec<String> = inside.map(|it| group_dn(&format!("department {it}"))).collect();
        group(&mut ldif, &format!("division {division}"), &members);
    }
    let members: Vec<String> =
        (0..divisions).map(|it| group_dn(&format!("division {it}"))).collect();
    group(&mut ldif, "everybody", &members);
    ldif
}

fn person_dn(number: u32) -> String {
    format!("uid=u{number:05},ou=People,dc=corp,dc=test")
}

fn group_dn(name: &str) -> String {
    format!("cn={name},ou=Groups,dc=corp,dc=test")
}

fn person(number: u32) -> String {
    format!(
        "dn: {}\nobjectClass: inetOrgPerson\nobjectClass: mailRecipient\nuid: u{number:05}\n\
         cn: Person {number}\nsn: Number {number}\ngivenName: Person\nmail: u{number:05}@corp.test\n\
         proxyAddresses: SMTP:u{number:05}@corp.test\n\
         proxyAddresses: smtp:alias{number:05}@corp.test\nuserPassword: secret\n\n",
        person_dn(number)
    )
}

fn group(ldif: &mut String, name: &str, members: &[String]) {
    let _ = write!(ldif, "dn: {}\nobjectClass: groupOfNames\ncn: {name}\n", group_dn(name));
    for member in members {
        let _ = writeln!(ldif, "member: {member}");
    }
    ldif.push('\n');
}
