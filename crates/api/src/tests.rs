mod corpus;
mod document;
mod downloads;
mod hostile;
mod reading;
mod rights;
mod sessions;
mod world;
