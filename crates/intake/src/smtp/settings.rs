use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// What the administrator chooses; every field has a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmtpSettings {
    /// Addresses to listen on. An IPv6 address takes IPv6 connections only.
    pub listen: Vec<SocketAddr>,
    /// The name in the greeting (RFC 5321 §4.2): the host name that the certificate carries.
    pub host_name: String,
    /// Refuses mail on connections without TLS (`530 5.7.0`, RFC 3207 §4).
    pub require_tls: bool,
    /// Networks that may connect; empty lets everybody in. Exchange Online's ranges are shared
    /// by all its tenants: this is no authentication.
    pub allowed_networks: Vec<IpNet>,
    /// The largest mail in bytes, announced by SIZE (RFC 1870).
    pub message_size_bytes_max: u64,
    /// Recipients in one transaction (RFC 5321 §4.5.3.1.8 asks for 100).
    pub recipients_max: usize,
    /// Connections open at the same time, from everywhere.
    pub connections_max: usize,
    /// Connections open at the same time from one /24 (IPv4) or /64 (IPv6); 0 is no limit.
    /// Exchange Online sends from few networks over many connections: better left at 0.
    pub connections_per_network_max: usize,
    /// How long a client may say nothing, in seconds (RFC 5321 §4.5.3.2.7: 300).
    pub idle_seconds_max: u64,
    /// How long the octets of one mail may take, in seconds.
    pub data_seconds_max: u64,
    /// How long one connection may last, in seconds; a mail that has begun is finished.
    pub session_seconds_max: u64,
    /// Refused commands on one connection before it is closed (`421 4.7.0`).
    pub errors_max: u32,
}

impl Default for SmtpSettings {
    fn default() -> Self {
        let everywhere = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        Self {
            listen: vec![SocketAddr::from(([0, 0, 0, 0], 25)), SocketAddr::new(everywhere, 25)],
            host_name: "localhost".to_owned(),
            require_tls: false,
            allowed_networks: Vec::new(),
            message_size_bytes_max: 256 * 1024 * 1024,
            recipients_max: 10_000,
            connections_max: 1000,
            connections_per_network_max: 0,
            idle_seconds_max: 300,
            data_seconds_max: 3600,
            session_seconds_max: 4 * 3600,
            errors_max: 20,
        }
    }
}

impl SmtpSettings {
    /// Whether `peer` may connect; an IPv4 address in IPv6 clothes counts as IPv4.
    pub fn allows(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.allowed_networks.is_empty()
            || self.allowed_networks.iter().any(|network| network.contains(&peer))
    }

    pub(crate) fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_seconds_max)
    }

    pub(crate) fn data(&self) -> Duration {
        Duration::from_secs(self.data_seconds_max)
    }

    pub(crate) fn session(&self) -> Duration {
        Duration::from_secs(self.session_seconds_max)
    }
}
