use super::{fixture, prove, verifier};

/// Flips each bit of `octets` alone and asks whether the record still proves its documents.
fn no_flip_passes(octets: &[u8], documents: &[&[u8]]) {
    let verifier = verifier();
    assert!(prove(&verifier, octets, documents).is_ok());
    let mut flipped = octets.to_vec();
    for at in 0..octets.len() {
        for bit in 0..8 {
            flipped[at] ^= 1 << bit;
            let proof = prove(&verifier, &flipped, documents);
            assert!(proof.is_err(), "bit {bit} of octet {at} proves nothing");
            flipped[at] ^= 1 << bit;
        }
    }
}

#[test]
fn no_flipped_bit_of_a_record_passes() {
    no_flip_passes(&fixture("single.ers"), &[&fixture("d0")]);
}

#[test]
fn no_flipped_bit_of_the_hash_tree_of_a_group_passes() {
    let documents = ["d0", "d1", "d2"].map(fixture);
    let documents = documents.each_ref().map(Vec::as_slice);
    let record = fixture("group.ers");
    let verifier = verifier();
    let mut flipped = record.clone();
    // The hash tree ends before the token.
    for at in 0..260 {
        flipped[at] ^= 0x10;
        assert!(prove(&verifier, &flipped, &documents).is_err(), "octet {at}");
        flipped[at] ^= 0x10;
    }
}

#[test]
fn no_flipped_octet_of_a_document_passes() {
    let (record, document) = (fixture("k3-0.ers"), fixture("d0"));
    let verifier = verifier();
    let mut flipped = document.clone();
    for at in 0..document.len() {
        flipped[at] ^= 0x01;
        assert!(prove(&verifier, &record, &[&flipped]).is_err(), "octet {at}");
        flipped[at] ^= 0x01;
    }
}

#[test]
fn no_truncated_record_passes() {
    let (record, document) = (fixture("renew-ts.ers"), fixture("d0"));
    let verifier = verifier();
    for length in 0..record.len() {
        assert!(prove(&verifier, &record[..length], &[&document]).is_err(), "{length} octets");
    }
    let longer = [record, vec![0]].concat();
    assert!(prove(&verifier, &longer, &[&document]).is_err());
}
