//! Trusted lists (ETSI TS 119 612): a stamp is qualified when the list says so of its authority at that
//! time, and not because the stamp says so.

use std::path::PathBuf;

use model::Digest;
use testkit::authority::has_authority;

use crate::support::{Export, Outcome};

const QTST: &str = "http://uri.etsi.org/TrstSvc/Svctype/TSA/QTST";
const GRANTED: &str = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted";
const WITHDRAWN: &str = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/withdrawn";

/// What one service is: its type, its status, since when.
type State<'a> = (&'a str, &'a str, &'a str);

fn state(certificate: &str, (kind, status, since): State<'_>) -> String {
    format!(
        "<ServiceTypeIdentifier>{kind}</ServiceTypeIdentifier>\
         <ServiceName><Name xml:lang=\"de\">Stempel</Name><Name xml:lang=\"en\">Stamps</Name></ServiceName>\
         <ServiceDigitalIdentity><DigitalId><X509Certificate>{certificate}</X509Certificate></DigitalId>\
         <DigitalId><X509SubjectName>CN=x</X509SubjectName></DigitalId></ServiceDigitalIdentity>\
         <ServiceStatus>{status}</ServiceStatus><StatusStartingTime>{since}</StatusStartingTime>"
    )
}

fn list(certificate: &str, now: State<'_>, before: &[State<'_>], next: &str) -> String {
    let history: String = before
        .iter()
        .map(|one| {
            let inner = state(certificate, *one);
            format!("<ServiceHistoryInstance>{inner}</ServiceHistoryInstance>")
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <TrustServiceStatusList xmlns=\"http://uri.etsi.org/02231/v2#\"><SchemeInformation>\
         <TSLVersionIdentifier>5</TSLVersionIdentifier><TSLSequenceNumber>7</TSLSequenceNumber>\
         <TSLType>http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUgeneric</TSLType>\
         <SchemeTerritory>DE</SchemeTerritory>\
         <ListIssueDateTime>2026-01-01T00:00:00Z</ListIssueDateTime>\
         <NextUpdate><dateTime>{next}</dateTime></NextUpdate></SchemeInformation>\
         <TrustServiceProviderList><TrustServiceProvider><TSPInformation>\
         <TSPName><Name xml:lang=\"en\">Test Trust</Name></TSPName></TSPInformation><TSPServices>\
         <TSPService><ServiceInformation>{}</ServiceInformation>\
         <ServiceHistory>{history}</ServiceHistory></TSPService>\
         </TSPServices></TrustServiceProvider></TrustServiceProviderList></TrustServiceStatusList>",
        state(certificate, now)
    )
}

struct Lists {
    export: Export,
    folder: tempfile::TempDir,
}

impl Lists {
    /// The base64 of a certificate of the authority.
    fn certificate(&self, name: &str) -> String {
        let pem = String::from_utf8(self.export.authority.read(name)).unwrap();
        pem.lines().filter(|line| !line.starts_with('-')).collect()
    }

    fn verify(&self, list: &str, more: &[&str]) -> Outcome {
        self.verify_pinned(list, &Digest::of(list.as_bytes()).to_hex(), more)
    }

    fn verify_pinned(&self, list: &str, pin: &str, more: &[&str]) -> Outcome {
        let path: PathBuf = self.folder.path().join("list.xml");
        std::fs::write(&path, list).unwrap();
        let words = ["--trusted-list", path.to_str().unwrap(), "--trusted-list-sha256", pin];
        self.export.verify(&[words.as_slice(), more].concat())
    }
}

#[test]
fn a_stamp_is_qualified_when_a_pinned_list_says_so_of_its_authority_at_that_time() {
    if !has_authority() {
        return;
    }
    let lists = Lists { export: Export::make(None), folder: tempfile::TempDir::new().unwrap() };
    let later = "2199-01-01T00:00:00Z";
    let since = "2020-01-01T00:00:00Z";
    // The signer's own certificate, or that of the authority above it.
    for name in ["tsa.pem", "issuing.pem", "root.pem"] {
        let xml = list(&lists.certificate(name), (QTST, GRANTED, since), &[], later);
        let outcome = lists.verify(&xml, &["--json", "--require-qualified"]);
        assert_eq!(outcome.code, 0, "{name}: {outcome:?}");
        let stamp = &outcome.json()["batches"][0]["evidence"]["stamps"][0];
        assert_eq!(stamp["qualified"]["proven"], true);
        let said = stamp["qualified"]["detail"].as_str().unwrap();
        assert!(said.contains("Stamps of Test Trust is granted since 2020"), "{said}");
        assert!(lists.verify(&xml, &[]).said.contains(", qualified)"));
    }
    let own = lists.certificate("tsa.pem");
    let other = {
        let folder = tempfile::TempDir::new().unwrap();
        let stranger = testkit::authority::Authority::make(folder.path(), "ec:P-256");
        let pem = String::from_utf8(stranger.read("tsa.pem")).unwrap();
        pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()
    };
    let past = "2021-01-01T00:00:00Z";
    let plain = "http://uri.etsi.org/TrstSvc/Svctype/TSA";
    let cases = [
        (list(&other, (QTST, GRANTED, since), &[], later), "no qualified service"),
        (list(&own, (QTST, WITHDRAWN, past), &[(QTST, GRANTED, since)], later), "was withdrawn"),
        (list(&own, (QTST, GRANTED, later), &[], later), "says nothing of \"Stamps\" at that time"),
        (list(&own, (plain, GRANTED, since), &[], later), "no qualified service"),
        (list(&own, (plain, GRANTED, past), &[(QTST, GRANTED, since)], later), "no qualified time"),
        (list(&own, (QTST, GRANTED, since), &[], past), "was to be replaced on 2021"),
    ];
    for (xml, why) in &cases {
        // Without the demand the rest is proven all the same, and the text says what is not.
        let outcome = lists.verify(xml, &[]);
        assert_eq!(outcome.code, 0, "{why}: {outcome:?}");
        assert!(outcome.said.contains("NOT PROVEN     listed as qualified"), "{outcome:?}");
        let outcome = lists.verify(xml, &["--require-qualified"]);
        assert_eq!(outcome.code, 1, "{why}: {outcome:?}");
        assert!(outcome.said.contains(why), "{why}: {outcome:?}");
    }
    // Granted in the past, and the stamp of that time: the history counts.
    let again = list(&own, (QTST, GRANTED, past), &[(QTST, WITHDRAWN, since)], later);
    assert_eq!(lists.verify(&again, &["--require-qualified"]).code, 0);
}

#[test]
fn what_is_no_trusted_list_or_another_file_is_refused_by_name() {
    if !has_authority() {
        return;
    }
    let lists = Lists { export: Export::make(None), folder: tempfile::TempDir::new().unwrap() };
    let later = "2199-01-01T00:00:00Z";
    let good =
        list(&lists.certificate("tsa.pem"), (QTST, GRANTED, "2020-01-01T00:00:00Z"), &[], later);
    let other = Digest::of(b"another").to_hex();
    let outcome = lists.verify_pinned(&good, &other, &[]);
    assert_eq!(outcome.code, 2, "{outcome:?}");
    assert!(outcome.complained.contains("its SHA-256 is"), "{outcome:?}");
    let entity = good.replace("\n", "\n<!DOCTYPE x [<!ENTITY a \"b\">]>\n");
    let cases = [
        (entity, "not readable XML"),
        (good[..good.len() / 2].to_owned(), "not readable XML"),
        ("<html xmlns=\"http://www.w3.org/1999/xhtml\"/>".to_owned(), "another XML document"),
        (good.replace("EUgeneric", "EUlistofthelists"), "not the list of a country"),
        (good.replace("Identifier>5<", "Identifier>3<"), "neither 5 nor 6"),
        (good.replace("02231/v2#", "02231/v9#"), "another XML document"),
        (good.replace("2020-01-01T00:00:00Z", "yesterday"), "StatusStartingTime is no time"),
        (good.replace("<SchemeTerritory>DE</SchemeTerritory>", ""), "SchemeTerritory is missing"),
    ];
    for (xml, why) in &cases {
        let outcome = lists.verify(xml, &[]);
        assert_eq!(outcome.code, 2, "{why}: {outcome:?}");
        assert!(outcome.complained.contains(why), "{why}: {outcome:?}");
    }
}
