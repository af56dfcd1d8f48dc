//! Directories against real counterparts: OpenLDAP, and Samba as an Active Directory domain.

mod active_directory;
mod faults;
mod open_ldap;
mod proxy;
mod sign_in;
mod world;
