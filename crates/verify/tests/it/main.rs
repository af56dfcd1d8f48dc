//! `chancery-verify` as a program: what it says of good exports, and of all kinds of bad ones.

mod archive;
mod crashes;
mod damaged;
mod disposed;
mod doubled;
mod events;
mod exports;
mod mutation;
mod qualified;
mod reports;
mod single;
mod support;
mod tampering;
mod years;
