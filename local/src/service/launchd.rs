//! Generates a launch agent for macOS (launchd.plist(5)).

use super::Service;

/// Name of the launch agent.
pub(super) const LABEL: &str = "cargo-cloud-local";

/// launchd's name for the services of the logged-in user.
pub(super) fn domain() -> String {
    format!("gui/{}", rustix::process::getuid().as_raw())
}

/// launchd's name for the agent, within the user's domain.
pub(super) fn domain_label() -> String {
    format!("{}/{LABEL}", domain())
}

/// The launch agent's property list.
pub(super) fn agent(service: &Service) -> String {
    let strings: String =
        service.command.iter().map(|part| format!("    <string>{}</string>\n", escaped(part))).collect();
    let env: String = service
        .env
        .iter()
        .map(|(name, value)| format!("    <key>{}</key><string>{}</string>\n", escaped(name), escaped(value)))
        .collect();
    let log =
        std::env::var("HOME").map(|home| format!("{home}/Library/Logs/cargo-cloud-local.log")).unwrap_or_default();
    let log = escaped(&log);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n\
         \x20 <key>Label</key><string>{LABEL}</string>\n\
         \x20 <key>ProgramArguments</key>\n  <array>\n{strings}  </array>\n\
         \x20 <key>EnvironmentVariables</key>\n  <dict>\n{env}  </dict>\n\
         \x20 <key>RunAtLoad</key><true/>\n\
         \x20 <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>\n\
         \x20 <key>StandardOutPath</key><string>{log}</string>\n\
         \x20 <key>StandardErrorPath</key><string>{log}</string>\n\
         </dict>\n</plist>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_starts_the_given_command() {
        let service = Service { command: vec!["/x".to_owned(), "a&<b>".to_owned()], env: Vec::new() };
        let agent = agent(&service);
        assert!(agent.contains("    <string>/x</string>\n    <string>a&amp;&lt;b&gt;</string>\n  </array>"), "{agent}");
    }
}
