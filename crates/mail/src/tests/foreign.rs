//! Journal reports as Exchange Online sent them, in the corpus.

use model::Shape;

#[test]
fn real_reports_of_exchange_online_are_read_whole() {
    let Some(corpus) = super::corpus() else { return };
    let mut found = Vec::new();
    super::corpus::files(&corpus.join("corpus/hard/ace-journal"), &mut found);
    let mut count = 0;
    for path in found {
        let octets = std::fs::read(&path).unwrap();
        let examined = super::examine(&octets);
        // One sample is a recorded SMTP dialogue.
        let Some(report) = &examined.report else { continue };
        count += 1;
        assert_eq!(examined.shape, Shape::JournalReport, "{path:?}");
        assert!(examined.marks.is_empty(), "{path:?}: {:?}", examined.marks);
        assert!(report.sender.is_some() && !report.recipients.is_empty(), "{path:?}");
        assert!(report.unknown_fields.is_empty(), "{path:?}: {:?}", report.unknown_fields);
        let view = crate::describe(examined.mail(&octets));
        let message_id = view.summary.message_id.map(|id| format!("<{id}>"));
        assert_eq!(message_id, report.message_id, "{path:?}");
    }
    assert_eq!(count, 5);
}
