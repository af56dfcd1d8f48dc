//! Two hundred people at once: everybody sees what is theirs and nothing else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::AccountKind;
use identity::{AccountDraft, By, Identity, SystemRandom};
use model::{EmailAddress, Timestamp};
use policy::AccountRole;
use serde_json::json;
use testkit::http::{Client, Error, Response};

use crate::house::{House, PASSWORD, Server, answer, search_all};

const PEOPLE: usize = 200;

/// Longer than anything takes on a busy machine; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(240);

fn user(number: usize) -> String {
    format!("u{:03}", number % PEOPLE)
}

fn address(number: usize) -> String {
    format!("{}@musterbau.example", user(number))
}

/// A mail that only this person received.
fn own_mail(number: usize) -> Vec<u8> {
    format!(
        "From: chef@musterbau.example\r\nTo: {}\r\nSubject: for {}\r\n\r\nOnlyfor{}\r\n",
        address(number),
        user(number),
        user(number)
    )
    .into_bytes()
}

/// A mail to everybody.
fn common_mail() -> Vec<u8> {
    let everybody: Vec<String> = (0..PEOPLE).map(address).collect();
    let to = everybody.join(",\r\n ");
    format!("From: chef@musterbau.example\r\nTo: {to}\r\nSubject: all\r\n\r\nForeverybody\r\n")
        .into_bytes()
}

/// As `chancery account add` does it, without a process for each.
fn add_people(house: &House) {
    let url = format!("sqlite:{}", house.data().join("catalog.sqlite").display());
    let catalog = catalog::open(&url).expect("the catalog");
    let identity = Identity::new(catalog, Arc::new(SystemRandom)).expect("hashes");
    for number in 0..PEOPLE {
        let user_name = user(number);
        let draft = AccountDraft {
            tenant: Some(house.tenant),
            user_name: &user_name,
            first_name: "",
            last_name: "",
            display_name: &user_name,
            kind: AccountKind::Person,
            role: AccountRole::User,
            language: None,
            password: Some(PASSWORD),
            addresses: vec![EmailAddress::new(&address(number))],
        };
        let now = Timestamp::from_seconds(1_700_000_000);
        identity.create_account(&draft, &By::server("tests"), now).expect("added");
    }
}

fn archived() -> (House, Server) {
    let house = House::new(&[]);
    add_people(&house);
    let mut server = house.start();
    let mut mails: Vec<Vec<u8>> = (0..PEOPLE).map(own_mail).collect();
    mails.push(common_mail());
    let mails: Vec<&[u8]> = mails.iter().map(Vec::as_slice).collect();
    assert!(server.send(&house.journal, &mails).iter().all(|it| *it));
    assert!(server.settle());
    (house, server)
}

/// Asks again for as long as the server says that it is busy, as every client is told to.
fn patiently<T>(mut ask: impl FnMut() -> Result<T, Error>) -> T {
    let begun = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(Error::Status { status: 503, .. }) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(100));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// An exchange of which the status is looked at.
fn exchange(client: &mut Client, method: &str, path: &str) -> Response {
    patiently(|| match client.exchange(method, path, &[]) {
        Ok(busy) if busy.status == 503 => {
            Err(Error::Status { path: path.to_owned(), status: 503, body: String::new() })
        }
        answered => answered,
    })
}

fn sign_in(server: &Server, number: usize) -> Client {
    let mut client = Client::new(server.web);
    let session = patiently(|| client.sign_in(&user(number), PASSWORD));
    assert_eq!(session["account"]["userName"], json!(user(number)));
    client
}

/// What one person does while all the others do the same.
fn visit(house: &House, mut client: Client, number: usize) {
    let own = house.record(&own_mail(number)).to_string();
    let common = house.record(&common_mail()).to_string();
    let mut wanted = vec![own.clone(), common];
    wanted.sort_unstable();
    let mut total = |query: &str| {
        let path = format!("/api/v1/search?q={query}");
        patiently(|| client.get_json(&path))["total"].clone()
    };
    for _ in 0..3 {
        assert_eq!(total(""), 2, "{number}");
        assert_eq!(total(&format!("Onlyfor{}", user(number))), 1, "{number}");
        assert_eq!(total(&format!("Onlyfor{}", user(number + 1))), 0, "{number}");
    }
    let mut found = search_all(&mut client, "");
    found.sort_unstable();
    assert_eq!(found, wanted, "{number}");
    let eml = exchange(&mut client, "GET", &format!("/api/v1/records/{own}/eml"));
    assert_eq!((eml.status, eml.body), (200, own_mail(number)), "{number}");
    let neighbours = house.record(&own_mail(number + 1));
    let hidden = exchange(&mut client, "GET", &format!("/api/v1/records/{neighbours}"));
    assert_eq!(hidden.status, 404, "{number}");
    let session = patiently(|| client.get_json("/api/v1/session"));
    assert_eq!(session["account"]["userName"], json!(user(number)));
    assert_eq!(exchange(&mut client, "DELETE", "/api/v1/session").status, 204);
    assert_eq!(exchange(&mut client, "GET", "/api/v1/search?q=").status, 401);
}

#[test]
fn two_hundred_sessions_at_a_time_see_each_their_own_mail() {
    let (house, server) = archived();
    // All come at once; nobody leaves before the last one is in.
    let clients: Vec<Client> = std::thread::scope(|scope| {
        let coming: Vec<_> = (0..PEOPLE)
            .map(|number| {
                scope.spawn({
                    let server = &server;
                    move || sign_in(server, number)
                })
            })
            .collect();
        coming.into_iter().map(|one| one.join().expect("signed in")).collect()
    });
    std::thread::scope(|scope| {
        for (number, client) in clients.into_iter().enumerate() {
            let house = &house;
            scope.spawn(move || visit(house, client, number));
        }
    });
    // Everybody's sign-in stands in the log.
    let log = answer(&house.run(&[
        "audit",
        "--tenant",
        "Musterbau",
        "--action",
        "sign-in",
        "--limit",
        "1000",
        "--json",
    ]));
    let signed_in = (0..PEOPLE).filter(|number| log.contains(&format!("\"{}\"", user(*number))));
    assert_eq!(signed_in.count(), PEOPLE);
    server.stop();
}
