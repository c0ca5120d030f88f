//! What only the platform promises, because nobody watches over it: its parts die, repeat themselves, come late, and are
//! kept apart by policies alone.

mod access;
mod account;
mod budget;
mod deaths;
mod deployed;
mod disorder;
mod followers;
mod input;
mod leaks;
mod machines;
mod refusals;
mod replay;
mod sources;
mod storing;
mod usage;
mod waiting;
mod wiring;
