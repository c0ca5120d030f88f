//! Who signed a handshake.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyper::http::request::Parts;

use crate::serve::emulator::Emulator;
use crate::serve::front::signature::{Denied, EMPTY_SHA256, Signature};
use crate::serve::keys::AccessKey;

/// How far a clock may be off here.
const MAX_SKEW: Duration = Duration::from_secs(5 * 60);

/// The key a handshake was signed with, or why it is refused, as API Gateway words it.
pub fn authenticate(emulator: &Emulator, head: &Parts) -> Result<Arc<AccessKey>, String> {
    let missing = "Missing Authentication Token";
    let signature = Signature::read(head).map_err(|denied| worded(&denied))?.ok_or(missing)?;
    if signature.service != "execute-api" {
        return Err("Credential should be scoped to correct service: 'execute-api'.".to_owned());
    }
    if signature.region != emulator.platform.region {
        return Err(format!("Credential should be scoped to a valid region, not '{}'.", signature.region));
    }
    let unknown = || worded(&Denied::Key(signature.key.clone()));
    let key = emulator.keys.find(&signature.key).ok_or_else(unknown)?;
    signature
        .verify(head, EMPTY_SHA256, &key.secret, key.token.as_deref(), SystemTime::now(), MAX_SKEW)
        .map_err(|denied| worded(&denied))?;
    Ok(key)
}

fn worded(denied: &Denied) -> String {
    match denied {
        Denied::Malformed(what) => {
            format!("Authorization in the request requires '{what}' in a form that can be read.")
        }
        Denied::Key(_) | Denied::Token => "The security token included in the request is invalid.".to_owned(),
        Denied::Signature => "The request signature we calculated does not match the signature you provided. Check \
                              your AWS Secret Access Key and signing method. Consult the service documentation for \
                              details."
            .to_owned(),
        Denied::Skewed { signed, now } if signed > now => "Signature not yet current.".to_owned(),
        Denied::Skewed { .. } | Denied::Expired => "Signature expired.".to_owned(),
        Denied::Unsigned(header) => format!("'{header}' must be a 'SignedHeader' in the AWS Authorization."),
    }
}
