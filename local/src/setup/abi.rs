//! Android's names for kinds of devices, and Rust's.

use clap::ValueEnum;

/// A kind of device, by the name that Android gives its ABI (developer.android.com/ndk/guides/abis).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Abi {
    /// 64-bit ARM: nearly all phones and tablets.
    #[value(name = "arm64-v8a")]
    Arm64,
    /// 32-bit ARM: older phones and tablets.
    #[value(name = "armeabi-v7a")]
    Arm,
    /// 64-bit Intel and AMD: emulators and Chromebooks.
    #[value(name = "x86_64")]
    X86_64,
    /// 32-bit Intel and AMD: older emulators.
    #[value(name = "x86")]
    X86,
}

impl Abi {
    /// Rust's target triple for such a device.
    pub fn target(self) -> &'static str {
        match self {
            Abi::Arm64 => "aarch64-linux-android",
            Abi::Arm => "armv7-linux-androideabi",
            Abi::X86_64 => "x86_64-linux-android",
            Abi::X86 => "i686-linux-android",
        }
    }
}
