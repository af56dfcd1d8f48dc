mod bodies;
mod commands;
mod limits;
mod starttls;
mod support;
mod units;
