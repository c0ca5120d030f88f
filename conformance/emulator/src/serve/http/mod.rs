//! AWS over HTTP: requests with their signatures and encodings, and answers in the services' own forms.

pub mod chunked;
mod reply;
mod request;
pub mod signature;

pub use reply::{AwsReply, json_error, json_reply, xml_error};
pub use request::AuthenticatedRequest;
