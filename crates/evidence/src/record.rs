use crate::der::{self, Algorithm, Reader, SEQUENCE, constructed};
use crate::{
    DataObjects, EvidenceError, HashAlgorithm, HashTreeRenewal, HashValue, LeafPlace, Limits,
    Result, TimeStampToken, group_hash, reduced_hash_tree,
};

const NAME: &str = "the evidence record";

/// RFC 4998 §3: the proof that data objects existed, renewed as often as needed.
///
/// A record that was read gives back the very octets it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceRecord {
    digest_algorithms: Vec<HashAlgorithm>,
    /// The declared algorithms as they were written.
    declared: Vec<u8>,
    chains: Vec<ArchiveTimeStampChain>,
}

/// Time stamps over the same hash algorithm, in ascending order of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveTimeStampChain {
    stamps: Vec<ArchiveTimeStamp>,
}

/// A token, and the reduced hash tree that leads from data objects to what it stamps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveTimeStamp {
    algorithm: Option<HashAlgorithm>,
    lists: Vec<Vec<HashValue>>,
    token: Vec<u8>,
    der: Vec<u8>,
}

impl EvidenceRecord {
    /// A first record: one chain with one time stamp.
    pub fn first(stamp: ArchiveTimeStamp) -> Self {
        let algorithm = stamp.algorithm.unwrap_or(HashAlgorithm::Sha256);
        Self {
            digest_algorithms: vec![algorithm],
            declared: algorithm.identifier(),
            chains: vec![ArchiveTimeStampChain { stamps: vec![stamp] }],
        }
    }

    /// Reads strict DER.
    ///
    /// # Errors
    /// Whatever RFC 4998 does not allow, an unknown algorithm, encryption information, attributes
    /// (nothing protects them), or more than `limits`: refused by name.
    pub fn parse(octets: &[u8], limits: &Limits) -> Result<Self> {
        check_size(octets.len(), limits.record_bytes_max, NAME)?;
        let mut fields = Reader::new(Reader::whole(octets, SEQUENCE, NAME)?.value, NAME);
        if fields.number()? != 1 {
            return Err(fields.flaw("its version is not 1"));
        }
        let declared = fields.expect(SEQUENCE)?.value.to_vec();
        let digest_algorithms = read_declared(&declared)?;
        if fields.peek() == Some(constructed(0)) {
            let what = "the evidence record holds cryptographic information of its own";
            return Err(EvidenceError::Unsupported(what.into()));
        }
        if fields.peek() == Some(constructed(1)) {
            let what = "the evidence record is over encrypted objects";
            return Err(EvidenceError::Unsupported(what.into()));
        }
        let mut sequence = fields.inside(SEQUENCE)?;
        fields.finish()?;
        let mut chains = Vec::new();
        while !sequence.is_empty() {
            check_size(chains.len() + 1, limits.chains_max, NAME)?;
            chains.push(ArchiveTimeStampChain::read(&mut sequence, limits)?);
        }
        if chains.is_empty() {
            return Err(sequence.flaw("it holds no time stamp"));
        }
        Ok(Self { digest_algorithms, declared, chains })
    }

    pub fn to_der(&self) -> Vec<u8> {
        let algorithms = der::tlv(SEQUENCE, &self.declared);
        let version = der::unsigned(der::INTEGER, 1);
        der::sequence(&[&version, &algorithms, &self.sequence_der(self.chains.len())])
    }

    pub fn digest_algorithms(&self) -> &[HashAlgorithm] {
        &self.digest_algorithms
    }

    pub fn chains(&self) -> &[ArchiveTimeStampChain] {
        &self.chains
    }

    /// The DER of the ArchiveTimeStampSequence of the first `count` chains, with its own tag and
    /// length: what a hash-tree renewal hashes (RFC 4998 §5.2).
    pub(crate) fn sequence_der(&self, count: usize) -> Vec<u8> {
        let chains: Vec<u8> =
            self.chains[..count].iter().flat_map(ArchiveTimeStampChain::to_der).collect();
        der::tlv(SEQUENCE, &chains)
    }

    /// The time stamp that a renewal builds upon.
    pub(crate) fn last(&self) -> &ArchiveTimeStamp {
        // A record has at least one chain, and a chain at least one stamp.
        self.chains.last().and_then(|chain| chain.stamps.last()).expect("a record has a stamp")
    }

    /// The record of other objects that stand in the same trees: `places` says where, one for each
    /// chain. Time-stamp renewals are over tokens and are shared.
    ///
    /// # Errors
    /// [`EvidenceError::HashAbsent`] when a place holds other objects; another number of places than
    /// of chains.
    pub fn for_objects(
        &self,
        objects: &DataObjects<'_>,
        places: &[LeafPlace],
        limits: &Limits,
    ) -> Result<Self> {
        if places.len() != self.chains.len() {
            let flaw = "it has not one tree for each chain";
            return Err(EvidenceError::Malformed { structure: NAME, flaw });
        }
        let mut record: Option<Self> = None;
        for (chain, place) in self.chains.iter().zip(places) {
            let algorithm = chain.algorithm(limits)?;
            let Some((first, renewals)) = chain.stamps.split_first() else { continue };
            let mut built = match record {
                None => {
                    let members = objects.hashes(algorithm);
                    check_leaf(algorithm, &members, place)?;
                    let lists = reduced_hash_tree(&members, &place.siblings);
                    Self::first(ArchiveTimeStamp::new(algorithm, lists, &first.token))
                }
                Some(before) => {
                    let renewal = HashTreeRenewal::of(&before, objects, algorithm);
                    if renewal.leaf()? != place.leaf {
                        return Err(EvidenceError::HashAbsent);
                    }
                    renewal.apply(&before, &place.siblings, &first.token)
                }
            };
            renewals.iter().for_each(|stamp| built.extend(stamp.clone()));
            record = Some(built);
        }
        // A record has at least one chain, and a chain at least one stamp.
        record.ok_or(EvidenceError::NoObjects)
    }

    /// Appends to the last chain.
    pub(crate) fn extend(&mut self, stamp: ArchiveTimeStamp) {
        if let Some(chain) = self.chains.last_mut() {
            chain.stamps.push(stamp);
        }
    }

    /// Begins a new chain.
    pub(crate) fn begin(&mut self, algorithm: HashAlgorithm, stamp: ArchiveTimeStamp) {
        if !self.digest_algorithms.contains(&algorithm) {
            self.digest_algorithms.push(algorithm);
            self.declared.extend(algorithm.identifier());
        }
        self.chains.push(ArchiveTimeStampChain { stamps: vec![stamp] });
    }
}

fn read_declared(declared: &[u8]) -> Result<Vec<HashAlgorithm>> {
    let mut reader = Reader::new(declared, NAME);
    let mut algorithms = Vec::new();
    while !reader.is_empty() {
        let algorithm = Algorithm::read(&mut reader)?;
        let algorithm = HashAlgorithm::from_algorithm(&algorithm, NAME)?;
        if algorithms.contains(&algorithm) {
            return Err(reader.flaw("it names a hash algorithm twice"));
        }
        algorithms.push(algorithm);
    }
    Ok(algorithms)
}

fn check_leaf(algorithm: HashAlgorithm, members: &[HashValue], place: &LeafPlace) -> Result<()> {
    match group_hash(algorithm, members)? == place.leaf {
        true => Ok(()),
        false => Err(EvidenceError::HashAbsent),
    }
}

impl ArchiveTimeStampChain {
    /// The hash algorithm of its trees.
    ///
    /// # Errors
    /// When the first stamp does not name it and its token is not readable.
    pub fn algorithm(&self, limits: &Limits) -> Result<HashAlgorithm> {
        match self.stamps.first() {
            Some(ArchiveTimeStamp { algorithm: Some(named), .. }) => Ok(*named),
            Some(stamp) => Ok(TimeStampToken::parse(&stamp.token, limits)?.info().algorithm),
            None => Err(EvidenceError::NoObjects),
        }
    }

    pub fn stamps(&self) -> &[ArchiveTimeStamp] {
        &self.stamps
    }

    fn read(reader: &mut Reader<'_>, limits: &Limits) -> Result<Self> {
        let mut inner = reader.inside(SEQUENCE)?;
        let mut stamps = Vec::new();
        while !inner.is_empty() {
            check_size(stamps.len() + 1, limits.stamps_max, NAME)?;
            stamps.push(ArchiveTimeStamp::read(&mut inner, limits)?);
        }
        if stamps.is_empty() {
            return Err(inner.flaw("a chain holds no time stamp"));
        }
        Ok(Self { stamps })
    }

    fn to_der(&self) -> Vec<u8> {
        let stamps: Vec<u8> = self.stamps.iter().flat_map(|it| it.der.iter().copied()).collect();
        der::tlv(SEQUENCE, &stamps)
    }
}

impl ArchiveTimeStamp {
    /// A stamp over the root that `lists` lead to; empty `lists` when the token stamps the hash of
    /// the data object itself. The token is carried as it is.
    pub fn new(algorithm: HashAlgorithm, lists: Vec<Vec<HashValue>>, token: &[u8]) -> Self {
        let mut fields = der::tlv(constructed(0), &algorithm.identifier_content());
        if !lists.is_empty() {
            let lists: Vec<u8> = lists.iter().flat_map(|list| list_der(list)).collect();
            fields.extend(der::tlv(constructed(2), &lists));
        }
        fields.extend_from_slice(token);
        let der = der::tlv(SEQUENCE, &fields);
        Self { algorithm: Some(algorithm), lists, token: token.to_vec(), der }
    }

    /// The named hash algorithm; `None`: that of the token's imprint.
    pub fn algorithm(&self) -> Option<HashAlgorithm> {
        self.algorithm
    }

    /// The reduced hash tree; empty when there is none.
    pub fn lists(&self) -> &[Vec<HashValue>] {
        &self.lists
    }

    /// The time-stamp token: a ContentInfo in DER, the octets that a time-stamp renewal hashes.
    pub fn token(&self) -> &[u8] {
        &self.token
    }

    fn read(reader: &mut Reader<'_>, limits: &Limits) -> Result<Self> {
        let whole = reader.expect(SEQUENCE)?;
        let mut fields = Reader::new(whole.value, NAME);
        let algorithm = match fields.optional(constructed(0))? {
            Some(tlv) => {
                let algorithm = Algorithm::of(tlv.value, NAME)?;
                Some(HashAlgorithm::from_algorithm(&algorithm, "an archive time stamp")?)
            }
            None => None,
        };
        if fields.peek() == Some(constructed(1)) {
            let what = "an archive time stamp holds attributes, which nothing protects";
            return Err(EvidenceError::Unsupported(what.into()));
        }
        let lists = match fields.inside_optional(constructed(2))? {
            Some(inner) => read_lists(inner, algorithm, limits)?,
            None => Vec::new(),
        };
        let token = fields.expect(SEQUENCE)?.raw.to_vec();
        fields.finish()?;
        Ok(Self { algorithm, lists, token, der: whole.raw.to_vec() })
    }
}

fn read_lists(
    mut reader: Reader<'_>,
    algorithm: Option<HashAlgorithm>,
    limits: &Limits,
) -> Result<Vec<Vec<HashValue>>> {
    let mut lists: Vec<Vec<HashValue>> = Vec::new();
    while !reader.is_empty() {
        check_size(lists.len() + 1, limits.lists_max, "a reduced hash tree")?;
        let mut inner = reader.inside(SEQUENCE)?;
        let mut list = Vec::new();
        while !inner.is_empty() {
            check_size(list.len() + 1, limits.hashes_max, "a list of hash values")?;
            let octets = inner.expect(der::OCTET_STRING)?.value;
            // Without a named algorithm the length names it: all three differ.
            let fits = |it: &HashAlgorithm| algorithm.is_none_or(|named| named == *it);
            let value = HashAlgorithm::ALL
                .into_iter()
                .filter(fits)
                .find_map(|it| HashValue::new(it, octets))
                .ok_or_else(|| inner.flaw("a hash value is not as long as its algorithm's"))?;
            list.push(value);
        }
        if list.is_empty() {
            return Err(inner.flaw("a list of hash values is empty"));
        }
        lists.push(list);
    }
    if lists.is_empty() {
        return Err(reader.flaw("a reduced hash tree is empty"));
    }
    Ok(lists)
}

fn list_der(list: &[HashValue]) -> Vec<u8> {
    let values: Vec<u8> =
        list.iter().flat_map(|value| der::tlv(der::OCTET_STRING, value.as_slice())).collect();
    der::tlv(SEQUENCE, &values)
}

pub fn check_size(size: usize, limit: usize, what: &'static str) -> Result<()> {
    if size > limit { Err(EvidenceError::TooMuch { what, limit }) } else { Ok(()) }
}
