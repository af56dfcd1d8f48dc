use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use model::{RecordId, TenantId};

/// Texts that are kept, in bytes.
pub const KEPT_BYTES_MAX: usize = 48 << 20;

/// Of one mail; what lies behind is found, not shown in the list.
pub const TEXT_BYTES_MAX: usize = 128 << 10;

type Key = (TenantId, RecordId);

/// Texts of mails that were listed lately: who types a query sees the same mails again and again.
/// A mail never changes, so nothing gets stale. The oldest ones go first.
#[derive(Default)]
pub struct Texts(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    texts: HashMap<Key, Arc<str>>,
    order: VecDeque<Key>,
    bytes: usize,
}

impl Texts {
    pub fn find(&self, tenant: TenantId, record: RecordId) -> Option<Arc<str>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.texts.get(&(tenant, record)).cloned()
    }

    /// Lets go of texts whose mails are erased.
    pub fn forget(&self, tenant: TenantId, records: &[RecordId]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = 0;
        for record in records {
            bytes += kept.texts.remove(&(tenant, *record)).map_or(0, |text| text.len());
        }
        if bytes > 0 {
            kept.bytes = kept.bytes.saturating_sub(bytes);
            let Kept { texts, order, .. } = &mut *kept;
            order.retain(|key| texts.contains_key(key));
        }
    }

    /// Keeps the beginning of `text` and returns it.
    pub fn keep(&self, tenant: TenantId, record: RecordId, text: &str) -> Arc<str> {
        let mut end = text.len().min(TEXT_BYTES_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text: Arc<str> = Arc::from(&text[..end]);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tenant, record);
        if kept.texts.insert(key, text.clone()).is_none() {
            kept.order.push_back(key);
            kept.bytes += text.len();
        }
        while kept.bytes > KEPT_BYTES_MAX {
            let Some(oldest) = kept.order.pop_front() else { break };
            let removed = kept.texts.remove(&oldest).map_or(0, |text| text.len());
            kept.bytes = kept.bytes.saturating_sub(removed);
        }
        text
    }
}
