use tantivy::query::{EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::{DocId, DocSet, Score, SegmentReader, TERMINATED, TantivyError};

/// Every document that the inner query does not find.
///
/// Not the engine's own exclusion: that one asks the excluded documents about a place before their
/// current one, for which neither its phrases nor its ranges are made (tantivy 0.27,
/// `Exclude::contains`; both say so in debug builds). This one only ever goes forward.
#[derive(Debug)]
pub(super) struct NotQuery(pub Box<dyn Query>);

impl Clone for NotQuery {
    fn clone(&self) -> Self {
        Self(self.0.box_clone())
    }
}

impl Query for NotQuery {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(NotWeight(self.0.weight(scoring)?)))
    }
}

struct NotWeight(Box<dyn Weight>);

impl Weight for NotWeight {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let inner = self.0.scorer(reader, boost)?;
        let mut scorer = NotScorer { inner, doc: 0, max_doc: reader.max_doc(), score: boost };
        scorer.settle(0);
        Ok(Box::new(scorer))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        let mut scorer = self.scorer(reader, 1.0)?;
        if scorer.doc() > doc || scorer.seek(doc) != doc {
            return Err(TantivyError::InvalidArgument(format!("document {doc} does not match")));
        }
        Ok(Explanation::new("not found by the inner query", scorer.score()))
    }
}

struct NotScorer {
    inner: Box<dyn Scorer>,
    doc: DocId,
    max_doc: DocId,
    score: Score,
}

impl NotScorer {
    /// Goes to the first document at or after `target` that the inner query does not find.
    fn settle(&mut self, target: DocId) -> DocId {
        let mut target = target;
        loop {
            if target >= self.max_doc {
                self.doc = TERMINATED;
                return TERMINATED;
            }
            if self.inner.doc() < target {
                self.inner.seek(target);
            }
            if self.inner.doc() != target {
                self.doc = target;
                return target;
            }
            target += 1;
        }
    }
}

impl DocSet for NotScorer {
    fn advance(&mut self) -> DocId {
        if self.doc == TERMINATED { TERMINATED } else { self.settle(self.doc + 1) }
    }

    fn seek(&mut self, target: DocId) -> DocId {
        if self.doc >= target { self.doc } else { self.settle(target) }
    }

    fn doc(&self) -> DocId {
        self.doc
    }

    fn size_hint(&self) -> u32 {
        self.max_doc.saturating_sub(self.inner.size_hint())
    }
}

impl Scorer for NotScorer {
    fn score(&mut self) -> Score {
        self.score
    }
}
