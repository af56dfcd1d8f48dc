mod plan;
mod reading;
mod wire;
