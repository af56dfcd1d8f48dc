mod hints;
mod sasl;
mod wire;
