//! Whether this device can connect to the hosts of a backend.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use super::{CheckOutcome, DoctorReport};
use crate::device;
use crate::follow::{HostConnection, HostPort};
use crate::pipeline::Session;

/// How long a host may take: a resolver alone may need minutes to give up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Looks up each host of the backend, connects to it, and checks its certificate.
pub fn network(report: &mut DoctorReport, session: &Session) {
    let mut hosts: Vec<(bool, String)> = Vec::new();
    let buckets = session.storage.addresses().map(|address| (address.scheme == "https", address.host.clone()));
    let socket = session.backend.socket.as_deref().map(HostPort::of).map(|place| (place.secure, place.host.to_owned()));
    let proxied = session.storage.is_proxied();
    for host in buckets.into_iter().filter(|_| !proxied).chain(socket) {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    if proxied {
        report.add("network", CheckOutcome::Skipped("this device reaches the buckets through a proxy".to_owned()));
    }
    for (secure, host) in hosts {
        report.looking(&host);
        report.add("network", host_finding(secure, &host));
    }
}

fn host_finding(secure: bool, host: &str) -> CheckOutcome {
    let (sender, receiver) = channel();
    let owned = host.to_owned();
    // On a thread of its own, since the system's resolver can't be interrupted.
    std::thread::spawn(move || {
        let place = HostPort { secure, host: &owned, path: String::new() };
        let found = place.addresses();
        let begun = Instant::now();
        let met = found
            .is_ok()
            .then(|| HostConnection::open(&place).and_then(|mut connection| connection.complete_handshake()));
        let _ = sender.send((found, met, begun.elapsed()));
    });
    let Ok((found, met, took)) = receiver.recv_timeout(PATIENCE) else {
        return CheckOutcome::failed(
            format_args!("{host} can't be reached: no answer for {} s", PATIENCE.as_secs()),
            "is the network up? In a network with a portal, open a web page first",
        );
    };
    match (found, met) {
        (Ok(_), Some(Ok(()))) => {
            let how = if secure { "TLS" } else { "not encrypted" };
            CheckOutcome::Ok(format!("{host} ({how}, {} ms)", took.as_millis()))
        }
        (Err(error), _) => CheckOutcome::failed(format_args!("the name {host} is not known ({error})"), name_advice()),
        (Ok(_), Some(Err(error))) => {
            CheckOutcome::failed(format_args!("no connection to {host}: {error}"), connection_advice(&error))
        }
        (Ok(_), None) => CheckOutcome::failed(format_args!("no connection to {host}"), "try again"),
    }
}

fn name_advice() -> &'static str {
    let android = device::triple().is_some_and(|triple| triple.contains("android"));
    if android && cfg!(not(target_os = "android")) {
        return "this client was built for Linux, and such programs can't look up names on Android; install the client for \
                Android";
    }
    "is the network up? If other names work, check `endpoint`, `region` and `socket` of the configuration"
}

fn connection_advice(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    let text = error.to_string().to_lowercase();
    if text.contains("expired") || text.contains("not valid yet") || text.contains("notvalidyet") {
        return "is this device's clock right? Certificates are checked by it";
    }
    if text.contains("unknownissuer") || text.contains("unknown issuer") || text.contains("no certificates") {
        return "this device doesn't trust the server's certificate: update `ca-certificates` (Termux: pkg install \
                ca-certificates); in a company's network, name its certificates with SSL_CERT_FILE";
    }
    match error.kind() {
        ErrorKind::ConnectionRefused => {
            "nothing listens there: start the backend (cargo-cloud-local), or the tunnel to it"
        }
        ErrorKind::TimedOut | ErrorKind::WouldBlock => {
            "is the machine on and in the same network? A firewall may block the connection"
        }
        _ => "is the network up, and the address in the configuration right?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_its_own_advice() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        assert!(matches!(host_finding(false, &host), CheckOutcome::Ok(text) if text.contains("not encrypted")));
        drop(listener);
        assert!(
            matches!(host_finding(false, &host), CheckOutcome::Failed(_, advice) if advice.contains("nothing listens"))
        );
        let unknown = host_finding(false, "name.invalid");
        assert!(matches!(&unknown, CheckOutcome::Failed(why, _) if why.contains("not known")), "{unknown:?}");
    }
}
