//! Promises that only the platform makes: its parts die, repeat themselves and arrive late, and only policies separate
//! them.

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
