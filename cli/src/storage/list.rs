//! Lists the builds in the buckets (docs.aws.amazon.com/AmazonS3, ListObjectsV2), and reads what the buckets hold of
//! one build.

use std::collections::BTreeMap;

use protocol::limits::MAX_RESULT_BYTES;
use protocol::{BuildId, BuildResult, Owner, keys};

use super::client::{Bucket, Call, RetryPolicy, Storage, refused};
use super::error::{StorageError, element, elements};

/// Limit of a listing's page in bytes; a thousand keys take a few hundred KiB.
const MAX_LISTING_BYTES: u64 = 4 * 1024 * 1024;

/// The most pages of one listing. They hold far more builds than anyone starts in a week.
const MAX_PAGES: usize = 100;

const ACTION: &str = "list the builds";

/// Which objects to list, and the XML elements of the answer that contain them.
struct ListedElement {
    bucket: Bucket,
    /// Further parameters of the query, not encoded.
    query: &'static [(&'static str, &'static str)],
    /// Name of the element around each result.
    outer: &'static str,
    /// Name of the element with the text.
    inner: &'static str,
}

/// Lists the objects of the input bucket, which are sources.
const OBJECTS: ListedElement = ListedElement { bucket: Bucket::Input, query: &[], outer: "Contents", inner: "Key" };

/// Lists the folders of the output bucket, one for each build.
const FOLDERS: ListedElement =
    ListedElement { bucket: Bucket::Output, query: &[("delimiter", "/")], outer: "CommonPrefixes", inner: "Prefix" };

impl Storage {
    /// Ids of the builds that have a source and that started at `since` (milliseconds since 1970) or later.
    pub fn sources_since(&self, owner: &Owner, since: u64) -> Result<Vec<BuildId>, StorageError> {
        let keys = self.list(owner, since, &OBJECTS)?;
        Ok(keys.iter().filter_map(|key| keys::parse_source(key).ok()).map(|(_, id)| id).collect())
    }

    /// Ids of the builds that have something in the output bucket, so they are running or have ended.
    pub fn outputs_since(&self, owner: &Owner, since: u64) -> Result<Vec<BuildId>, StorageError> {
        let prefixes = self.list(owner, since, &FOLDERS)?;
        let id = |prefix: &String| prefix.strip_suffix('/')?.rsplit('/').next()?.parse().ok();
        Ok(prefixes.iter().filter_map(id).collect())
    }

    /// Whether the output bucket has anything of a build.
    pub fn has_output(&self, owner: &Owner, build: &BuildId) -> Result<bool, StorageError> {
        let prefix = format!("{owner}/{build}/");
        let xml = self.page(Bucket::Output, &[("list-type", "2"), ("prefix", &prefix), ("max-keys", "1")])?;
        Ok(element(&xml, "Key").is_some())
    }

    /// A build's result, if there is one.
    pub fn result(&self, owner: &Owner, build: &BuildId) -> Result<Option<Box<BuildResult>>, StorageError> {
        let action = "read the build's result";
        let invalid_answer = |why: String| StorageError::InvalidAnswer { action: action.to_owned(), why };
        let key = keys::result(owner, build);
        let mut response = self.call(&call(action, "GET", Bucket::Output, &key, &[]), RetryPolicy::Long)?;
        match response.status().as_u16() {
            200 => {
                let json = response.body_mut().with_config().limit(MAX_RESULT_BYTES).read_to_vec();
                let json = json.map_err(|error| invalid_answer(error.to_string()))?;
                let result: BuildResult =
                    serde_json::from_slice(&json).map_err(|error| invalid_answer(error.to_string()))?;
                if result.id != *build {
                    return Err(invalid_answer("it belongs to another build".to_owned()));
                }
                Ok(Some(Box::new(result)))
            }
            404 => Ok(None),
            _ => Err(refused(action, response)),
        }
    }

    /// The metadata of a build's source, with names without `x-amz-meta-`; `None` if the source doesn't exist.
    pub fn source_metadata(
        &self,
        owner: &Owner,
        build: &BuildId,
    ) -> Result<Option<BTreeMap<String, String>>, StorageError> {
        let (action, key) = ("look at the build's source", keys::source(owner, build));
        let response = self.call(&call(action, "HEAD", Bucket::Input, &key, &[]), RetryPolicy::Long)?;
        match response.status().as_u16() {
            200 => {
                let headers = response.headers().iter();
                let metadata = headers.filter_map(|(name, value)| {
                    Some((name.as_str().strip_prefix("x-amz-meta-")?.to_owned(), value.to_str().ok()?.to_owned()))
                });
                Ok(Some(metadata.collect()))
            }
            404 => Ok(None),
            _ => Err(refused(action, response)),
        }
    }

    /// The text of each wanted element in a listing of the owner's builds.
    fn list(&self, owner: &Owner, since: u64, wanted: &ListedElement) -> Result<Vec<String>, StorageError> {
        let prefix = format!("{owner}/");
        let after = format!("{prefix}{}", BuildId::new(since, [0; 10]));
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut query = vec![("list-type", "2"), ("prefix", &prefix), ("start-after", &after)];
            query.extend(wanted.query);
            query.extend(token.as_deref().map(|token| ("continuation-token", token)));
            let xml = self.page(wanted.bucket, &query)?;
            found.extend(elements(&xml, wanted.outer).into_iter().filter_map(|part| element(part, wanted.inner)));
            let truncated = element(&xml, "IsTruncated").is_some_and(|text| text == "true");
            token = element(&xml, "NextContinuationToken").filter(|_| truncated);
            if token.is_none() {
                break;
            }
        }
        Ok(found)
    }

    fn page(&self, bucket: Bucket, query: &[(&str, &str)]) -> Result<String, StorageError> {
        let mut response = self.call(&call(ACTION, "GET", bucket, "", query), RetryPolicy::Long)?;
        if response.status() != 200 {
            return Err(refused(ACTION, response));
        }
        let xml = response.body_mut().with_config().limit(MAX_LISTING_BYTES).read_to_string();
        xml.map_err(|error| StorageError::InvalidAnswer { action: ACTION.to_owned(), why: error.to_string() })
    }
}

fn call<'a>(
    action: &'a str,
    method: &'a str,
    bucket: Bucket,
    key: &'a str,
    query: &'a [(&'a str, &'a str)],
) -> Call<'a> {
    Call { action, method, bucket, key, query, headers: Vec::new(), body: &[], sent: None }
}
