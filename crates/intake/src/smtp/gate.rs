//! How many connections are open, altogether and from each network.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::figures::{IntakeFigures, count};
use super::settings::SmtpSettings;

#[derive(Debug)]
pub(crate) struct Gate {
    connections_max: AtomicUsize,
    per_network_max: AtomicUsize,
    open: Mutex<Open>,
    figures: Arc<IntakeFigures>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    /// Never larger than `total`.
    networks: HashMap<IpAddr, usize>,
}

/// One open connection; dropping it makes room for another.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Arc<Gate>,
    network: IpAddr,
}

impl Gate {
    pub(crate) fn new(settings: &SmtpSettings, figures: Arc<IntakeFigures>) -> Arc<Self> {
        Arc::new(Self {
            connections_max: AtomicUsize::new(settings.connections_max),
            per_network_max: AtomicUsize::new(settings.connections_per_network_max),
            open: Mutex::default(),
            figures,
        })
    }

    /// Counts for connections that come from now on.
    pub(crate) fn change_limits(&self, settings: &SmtpSettings) {
        self.connections_max.store(settings.connections_max, Ordering::Relaxed);
        self.per_network_max.store(settings.connections_per_network_max, Ordering::Relaxed);
    }

    /// `None` when there are too many.
    pub(crate) fn enter(self: &Arc<Self>, peer: IpAddr) -> Option<Pass> {
        let network = network_of(peer);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.total >= self.connections_max.load(Ordering::Relaxed) {
            return None;
        }
        let per_network_max = self.per_network_max.load(Ordering::Relaxed);
        let here = open.networks.get(&network).copied().unwrap_or(0);
        if per_network_max > 0 && here >= per_network_max {
            return None;
        }
        open.networks.insert(network, here + 1);
        open.total += 1;
        count(&self.figures.connections);
        count(&self.figures.connections_open);
        Some(Pass { gate: self.clone(), network })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut open = self.gate.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total -= 1;
        self.gate.figures.connections_open.fetch_sub(1, Ordering::Relaxed);
        if let Some(here) = open.networks.get_mut(&self.network) {
            *here -= 1;
            if *here == 0 {
                open.networks.remove(&self.network);
            }
        }
    }
}

/// The first address of the /24 or /64.
fn network_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & 0xffff_ff00)),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}
