//! Finds files that probably contain secrets, so that the client can warn before it sends them.

use std::io::Read;
use std::path::Path;

/// Whether a file looks like a secret. Its name decides, and for keys its content too.
pub fn looks_secret(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let below = |folder: &str| path.parent().is_some_and(|parent| parent.ends_with(folder));
    match name.as_str() {
        ".env" | ".netrc" | ".pgpass" | ".git-credentials" | ".htpasswd" | ".pypirc" => true,
        "id_rsa" | "id_dsa" | "id_ecdsa" | "id_ed25519" => true,
        "credentials" => below(".aws"),
        "credentials.toml" => below(".cargo"),
        _ if name.starts_with(".env.") => {
            !["example", "sample", "template", "dist"].iter().any(|word| name.ends_with(word))
        }
        _ if [".p12", ".pfx", ".jks", ".keystore"].iter().any(|ending| name.ends_with(ending)) => true,
        _ if name.ends_with(".pem") || name.ends_with(".key") => holds_private_key(path),
        _ => false,
    }
}

fn holds_private_key(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(4096).read_to_end(&mut head));
    read.is_ok() && String::from_utf8_lossy(&head).contains("PRIVATE KEY")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_by_name_and_keys_by_content() {
        for name in [".env", ".env.production", "x/.aws/credentials", "ssh/id_ed25519", "a/release.keystore"] {
            assert!(looks_secret(Path::new(name)), "{name}");
        }
        for name in ["env.rs", ".env.example", "credentials", "id_rsa.pub", ".environment", "src/key.rs"] {
            assert!(!looks_secret(Path::new(name)), "{name}");
        }
        let temp = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = temp.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        assert!(looks_secret(&write("a.pem", "-----BEGIN RSA PRIVATE KEY-----")));
        assert!(!looks_secret(&write("b.pem", "-----BEGIN CERTIFICATE-----")));
        assert!(!looks_secret(&write("c.key", "name = value")));
    }
}
