//! Random bytes for names that nobody else may choose.

/// Random bytes from the operating system.
///
/// # Errors
/// If the operating system gives none.
pub fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    match ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => anyhow::bail!("the device gave no random numbers"),
    }
}
