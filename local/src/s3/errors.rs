//! Turns errors of the backend into S3 errors.

use std::io;

use s3s::{S3Error, S3ErrorCode, s3_error};
use tracing::error;

use crate::files;
use crate::objects::{AssembleError, PublishError};

/// Converts a disk error. The details go to the backend's log; the client gets only what it can act on.
pub(super) fn of_io(source: io::Error) -> S3Error {
    if files::is_full(&source) {
        error!("the disk of the data folder is full");
        return full();
    }
    error!(error = %source, "the data folder can't be used");
    s3_error!(InternalError, "the backend's data folder can't be used; its log has the details")
}

fn full() -> S3Error {
    let mut error = S3Error::with_message(
        S3ErrorCode::Custom("StorageFull".into()),
        "the backend's disk is full, so nothing was stored; free some space for its data folder and try again",
    );
    error.set_status_code(hyper::StatusCode::INSUFFICIENT_STORAGE);
    error
}

/// The error for a key that is taken.
pub(super) fn exists() -> S3Error {
    s3_error!(PreconditionFailed, "a source with this build id was uploaded already")
}

/// Converts the error of an object that could not be written.
pub(super) fn of_publish(error: PublishError) -> S3Error {
    match error {
        PublishError::Exists => exists(),
        PublishError::Io(source) => of_io(source),
    }
}

/// Converts the error of parts that can't be put together.
pub(super) fn of_assembly(error: AssembleError) -> S3Error {
    let code = match &error {
        AssembleError::Missing(_) => S3ErrorCode::InvalidPart,
        AssembleError::Order => S3ErrorCode::InvalidPartOrder,
        AssembleError::TooSmall(_) => S3ErrorCode::EntityTooSmall,
        AssembleError::Io(_) => S3ErrorCode::InternalError,
    };
    match error {
        AssembleError::Io(source) => of_io(source),
        other => S3Error::with_message(code, other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_has_its_own_error_code() {
        let error = of_io(io::ErrorKind::StorageFull.into());
        assert_eq!(error.status_code(), Some(hyper::StatusCode::INSUFFICIENT_STORAGE));
        assert!(error.message().unwrap().contains("disk is full"));
        assert_eq!(of_io(io::ErrorKind::PermissionDenied.into()).code(), &S3ErrorCode::InternalError);
    }
}
