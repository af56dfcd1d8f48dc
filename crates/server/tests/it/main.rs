//! The whole product as a process: started, fed over SMTP, killed, asked over HTTP.

mod archive;
mod backup;
mod crash;
mod damage;
mod disposal;
mod due;
mod evidence;
mod fetch;
mod fetch_notices;
mod fetch_ways;
mod formats;
mod generated;
mod hard;
mod house;
mod import;
mod notices;
mod operation;
mod sealing;
mod sessions;
mod takeout;
mod tenants;
mod tools;
mod truth;
