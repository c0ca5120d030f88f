//! Generates a systemd user unit (systemd.service(5), systemd.syntax(7)).

use super::Service;

/// Name of the systemd user unit.
pub(super) const UNIT: &str = "cargo-cloud-local.service";

/// The contents of the unit file.
pub(super) fn unit(service: &Service) -> String {
    let command: Vec<_> = service.command.iter().map(|part| quoted(part, true)).collect();
    let env: String = service
        .env
        .iter()
        .map(|(name, value)| format!("Environment={}\n", quoted(&format!("{name}={value}"), false)))
        .collect();
    // The backend ends its builds itself, which takes up to 10 s, so systemd waits longer.
    format!(
        "[Unit]\nDescription=Rust builds for cargo-cloud\nAfter=network-online.target\n\n\
         [Service]\nExecStart={}\n{env}Restart=on-failure\nRestartSec=5\nKillMode=mixed\nTimeoutStopSec=20\n\n\
         [Install]\nWantedBy=default.target\n",
        command.join(" ")
    )
}

/// Quotes a text and escapes the characters that systemd would interpret. `$` is special only in commands.
fn quoted(text: &str, command: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    if command { format!("\"{}\"", text.replace('$', "$$")) } else { format!("\"{text}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_starts_the_given_command() {
        let service = Service {
            command: vec!["/opt/a b/x".to_owned(), "--data".to_owned(), "/d\"$h%".to_owned()],
            env: vec![("PATH".to_owned(), "/a:/$b".to_owned())],
        };
        let unit = unit(&service);
        assert!(unit.contains("\nExecStart=\"/opt/a b/x\" \"--data\" \"/d\\\"$$h%%\"\n"), "{unit}");
        assert!(unit.contains("\nEnvironment=\"PATH=/a:/$b\"\n"), "{unit}");
    }
}
