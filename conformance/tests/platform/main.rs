//! What only the platform promises, because nobody watches over it: its parts die, repeat themselves, come late, and are
//! kept apart by policies alone.
