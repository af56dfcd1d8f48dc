use crate::*;

#[test]
fn a_digest_survives_its_text() {
    let digest = Digest::of(b"abc");
    assert_eq!(
        digest.to_string(),
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(digest.to_string().parse(), Ok(digest));
    assert_eq!("sha256:00".parse::<Digest>(), Err(ParseDigestError));
    assert_eq!("ä".repeat(32).parse::<Digest>(), Err(ParseDigestError));
}

#[test]
fn hashing_in_pieces_gives_the_same_digest() {
    let mut writer = DigestWriter::new();
    writer.update(b"a");
    writer.update(b"bc");
    assert_eq!(writer.finish(), Digest::of(b"abc"));
}

#[test]
fn an_id_survives_its_text_and_nothing_else_parses() {
    let id = RecordId::from_bytes([0xab; 16]);
    assert_eq!(id.to_string().parse(), Ok(id));
    for text in
        ["", "ab", "AB".repeat(16).as_str(), "zz".repeat(16).as_str(), "é".repeat(16).as_str()]
    {
        assert_eq!(text.parse::<RecordId>(), Err(ParseIdError), "{text}");
    }
}

#[test]
fn the_same_mail_at_two_tenants_is_two_records() {
    let content = ContentId::of(b"mail");
    let (a, b) = (TenantId::from_bytes([1; 16]), TenantId::from_bytes([2; 16]));
    assert_eq!(RecordId::of(a, content), RecordId::of(a, content));
    assert_ne!(RecordId::of(a, content), RecordId::of(b, content));
}

#[test]
fn addresses_are_the_same_whatever_their_case() {
    assert_eq!(EmailAddress::new(" <Anna@Example.DE> ").key(), "anna@example.de");
    assert_eq!(EmailAddress::new("a@b@Example.DE").domain().as_deref(), Some("example.de"));
    assert_eq!(EmailAddress::new("nobody").domain(), None);
}

#[test]
fn a_timestamp_survives_its_text() {
    let moment = Timestamp::from_micros(1_736_842_502_000_001);
    assert_eq!(moment.to_string(), "2025-01-14T08:15:02.000001Z");
    for moment in [moment, Timestamp::from_micros(i64::MAX), Timestamp::from_micros(-1)] {
        assert_eq!(moment.to_string().parse(), Ok(moment));
    }
}
