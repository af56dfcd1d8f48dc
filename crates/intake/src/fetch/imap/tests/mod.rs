mod answers;
mod fetches;
mod grammar;
mod lies;
mod names;
mod sign_in;
mod support;
