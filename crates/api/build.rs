//! The embedded user interface is part of this crate: a new build of it is a new build of the crate.

fn main() {
    println!("cargo:rerun-if-changed=../../web/dist");
}
