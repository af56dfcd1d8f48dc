//! Entry points for fuzzing: each must return for every input.

/// Journal recognition, envelope grammar and unwrapping.
#[doc(hidden)]
pub fn journal(octets: &[u8]) {
    let examined = crate::examine(octets, &model::HeaderRules::default(), None);
    assert!(!examined.marks.contains(&model::Mark::Unreadable));
    if let crate::MailOctets::Range(range) = &examined.mail {
        assert!(range.end <= octets.len());
    }
}

/// MIME structure, charsets, HTML, TNEF, attachments.
#[doc(hidden)]
pub fn mime(octets: &[u8]) {
    let view = crate::describe(octets);
    let shown = crate::display(octets);
    assert!(!view.marks.contains(&model::Mark::Unreadable));
    assert_eq!(view.attachments.len(), shown.attachments.len());
    for index in 0..view.attachments.len().min(100) {
        assert!(crate::attachment(octets, index).is_some());
    }
}
