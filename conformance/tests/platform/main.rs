//! What only the platform promises, because nobody watches over it: its parts die, repeat themselves, come late, and are
//! kept apart by policies alone.

mod access;
mod account;
mod budget;
mod deaths;
mod disorder;
mod followers;
mod input;
mod leaks;
mod machines;
mod refusals;
mod sources;
mod usage;
mod waiting;
mod wiring;
