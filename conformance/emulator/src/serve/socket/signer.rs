//! The signature of a handshake.

use std::sync::Arc;
use std::time::SystemTime;

use hyper::http::request::Parts;

use crate::serve::http::signature::{EMPTY_SHA256, InvalidSignature, Signature};
use crate::serve::keys::{KeyStore, SigningKey};

/// The key that a handshake was signed with, or why it is refused, in API Gateway's own words.
pub fn authenticate(keys: &KeyStore, region: &str, head: &Parts) -> Result<Arc<SigningKey>, String> {
    let missing = "Missing Authentication Token";
    let signature = Signature::read(head).map_err(|denied| message_of(&denied))?.ok_or(missing)?;
    if signature.service != "execute-api" {
        return Err("Credential should be scoped to correct service: 'execute-api'.".to_owned());
    }
    if signature.region != region {
        return Err(format!("Credential should be scoped to a valid region, not '{}'.", signature.region));
    }
    let unknown = || message_of(&InvalidSignature::Key(signature.key.clone()));
    let key = keys.find(&signature.key).ok_or_else(unknown)?;
    signature
        .verify(head, EMPTY_SHA256, &key.secret, key.token.as_deref(), SystemTime::now())
        .map_err(|denied| message_of(&denied))?;
    Ok(key)
}

fn message_of(denied: &InvalidSignature) -> String {
    match denied {
        InvalidSignature::Malformed(what) => {
            format!("Authorization in the request requires '{what}' in a form that can be read.")
        }
        InvalidSignature::Key(_) | InvalidSignature::Token => {
            "The security token included in the request is invalid.".to_owned()
        }
        InvalidSignature::Mismatch => {
            "The request signature we calculated does not match the signature you provided. Check \
                              your AWS Secret Access Key and signing method. Consult the service documentation for \
                              details."
                .to_owned()
        }
        InvalidSignature::Skewed { signed, now } if signed > now => "Signature not yet current.".to_owned(),
        InvalidSignature::Skewed { .. } | InvalidSignature::Expired => "Signature expired.".to_owned(),
        InvalidSignature::Unsigned(header) => format!("'{header}' must be a 'SignedHeader' in the AWS Authorization."),
    }
}
