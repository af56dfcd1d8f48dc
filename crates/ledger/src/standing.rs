use evidence::export::last_token;
use evidence::{Strand, TimeStampToken};
use model::{TenantId, Timestamp};

use crate::{Ledger, Result};

/// How an event of the ledger is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The batch that holds it.
    pub batch: u64,
    pub sealed_at: Timestamp,
    /// By the last stamp; `None`: the archive's own key alone seals it.
    pub stamp: Option<StampStanding>,
    /// That of a second authority.
    pub second: Option<StampStanding>,
}

/// What the last time stamp says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampStanding {
    pub at: Timestamp,
    /// The name in the authority's certificate; empty when the token carries none.
    pub authority: String,
    /// When the first certificate under it ends: it is renewed before.
    pub valid_until: Option<Timestamp>,
    /// A claim; only a trusted list proves it.
    pub claims_qualified: bool,
    /// What the trusted lists say; `None` when there are none.
    pub qualified: Option<QualifiedStanding>,
    /// Stamps in the record, renewals included.
    pub stamps: usize,
}

/// What the trusted lists say of the authority at the time of its stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QualifiedStanding {
    pub granted: bool,
    /// By whom and since when, or why not.
    pub why: String,
}

impl Ledger {
    /// How the event `seq` is proven; `None` while it is not sealed. Nothing is verified anew.
    ///
    /// # Errors
    /// Of catalog and vault; a note that is damaged.
    pub fn standing(&self, tenant: TenantId, seq: u64) -> Result<Option<Standing>> {
        let Some(row) = self.catalog.sealed_batch_of(tenant, seq)? else { return Ok(None) };
        let sealed = self.read_note(tenant, &row)?;
        let mut stamps = Vec::new();
        for Strand { record, .. } in sealed.strands() {
            let token = TimeStampToken::parse(last_token(record), &self.limits)?;
            stamps.push(StampStanding {
                at: token.info().gen_time,
                authority: token.authority(),
                valid_until: token.certificates_end(),
                claims_qualified: token.info().claims_qualified,
                qualified: self.qualified(&token),
                stamps: record.chains().iter().map(|chain| chain.stamps().len()).sum(),
            });
        }
        let mut stamps = stamps.into_iter();
        let (stamp, second) = (stamps.next(), stamps.next());
        Ok(Some(Standing { batch: row.number, sealed_at: row.sealed_at, stamp, second }))
    }

    /// By the certificates that the token carries: they were verified when it came.
    fn qualified(&self, token: &TimeStampToken) -> Option<QualifiedStanding> {
        let mut refused = None;
        for list in &*self.trusted {
            let chain = token.certificates().iter().map(Vec::as_slice);
            match list.granted(chain, token.info().gen_time) {
                Ok(granted) => {
                    let (service, provider) = (granted.service, granted.provider);
                    let why = format!("{service} of {provider}, granted since {}", granted.since);
                    return Some(QualifiedStanding { granted: true, why });
                }
                Err(why) => refused = refused.or(Some(QualifiedStanding { granted: false, why })),
            }
        }
        refused
    }
}
