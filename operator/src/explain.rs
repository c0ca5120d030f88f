//! What an error of Terraform's, or of AWS behind it, means, and what to do.

/// What was found in an output.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Explanations, each once.
    pub texts: Vec<String>,
    /// The most memory the account allows a function, in MB, when that is what failed.
    pub memory_cap: Option<u32>,
}

/// Words of an error, and what they mean. The first that fits a line counts.
const KNOWN: &[(&[&str], &str)] = &[
    (
        &["decreases account's UnreservedConcurrentExecution below its minimum value"],
        "The account has too little concurrency (a new one has 10 executions at a time) to set any aside for one function. This \
         configuration sets none aside: take `reserved_concurrent_executions` out again, or ask for more concurrency (Service \
         Quotas, AWS Lambda, Concurrent executions).",
    ),
    (
        &[
            "BucketAlreadyOwnedByYou",
            "RepositoryAlreadyExistsException",
            "EntityAlreadyExists",
            "ResourceAlreadyExistsException",
        ],
        "Something of this name is in the account already, and this deployment's state doesn't know it: another deployment of \
         the same name, or one whose state was lost. Deploy from where its state lies, or choose another name: \
         make deploy DEPLOYMENT=another-name",
    ),
    (
        &["BucketAlreadyExists"],
        "A bucket of this name belongs to somebody else: names of buckets are taken worldwide. Choose another name for the \
         deployment: make deploy DEPLOYMENT=another-name",
    ),
    (
        &["ExpiredToken", "RequestExpired"],
        "The credentials have expired on the way. Fetch new ones and type the same command again: it goes on where it stopped.",
    ),
    (
        &["is not authorized to perform", "AccessDenied", "UnauthorizedOperation"],
        "These credentials may not do what the line says. Deploying makes roles and users, so it takes an administrator's \
         (docs/deploying.md).",
    ),
    (
        &["Error acquiring the state lock"],
        "Another deployment of the same state is running, or one was killed. When none is running: terraform force-unlock, with \
         the ID above.",
    ),
    (
        &["media type for the source image"],
        "Lambda doesn't take this image: it was pushed with attestations. `make deploy` builds without; was it pushed by other \
         means?",
    ),
    (
        &["LimitExceededException", "ServiceQuotaExceededException", "TooManyBuckets"],
        "The account is at a limit that the line names. Service Quotas in the AWS console raises it; then type the same command \
         again.",
    ),
];

/// Reads an output.
pub fn explain(output: &str) -> Found {
    let mut found = Found::default();
    let text = joined(output);
    if let Some(cap) = memory_cap(&text) {
        found.memory_cap = Some(cap);
        found.texts.push(format!(
            "AWS allows functions of this account {cap} MB of memory: new accounts are capped until one asks for more (AWS \
             Support: Service limit increase, Lambda, function memory; the answer takes a day or more). With {cap} MB cargo-cloud \
             works, with {} processors instead of 6; large programs may not fit. Later, `make deploy MEMORY=10240` takes the rest.",
            processors(cap)
        ));
    }
    for (words, meaning) in KNOWN {
        if words.iter().any(|word| text.contains(word)) && !found.texts.iter().any(|text| text == meaning) {
            found.texts.push((*meaning).to_owned());
        }
    }
    found
}

/// Without Terraform's frame and line ends, which part words.
fn joined(output: &str) -> String {
    output.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

/// `'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 3008`.
fn memory_cap(text: &str) -> Option<u32> {
    let (_, rest) = text
        .split_once("emorySize' value failed to satisfy constraint: Member must have value less than or equal to ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// One comes with each 1,769 MB (docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
fn processors(memory_mb: u32) -> u32 {
    memory_mb.div_ceil(1769)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cap_of_a_new_account() {
        let output = "\u{1b}[31m│ Error: creating Lambda Function (cargo-cloud-compile): operation error Lambda: CreateFunction,\n\
                      │ 'MemorySize' value failed to satisfy constraint: Member must have value less\n│ than or equal to 3008\n";
        let found = explain(output);
        assert_eq!(found.memory_cap, Some(3008));
        assert!(found.texts.len() == 1 && found.texts[0].contains("MEMORY=10240"), "{found:?}");
    }

    #[test]
    fn known_errors() {
        for (line, says) in [
            (
                "│ Error: Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below \
                 its minimum value of [10].",
                "too little concurrency",
            ),
            ("api error BucketAlreadyExists: The requested bucket name is not available.", "belongs to somebody else"),
            ("api error BucketAlreadyOwnedByYou: Your previous request", "state doesn't know it"),
            ("ExpiredToken: The security token included in the request is expired", "have expired"),
            ("User: x is not authorized to perform: iam:CreateRole", "administrator"),
        ] {
            let found = explain(line);
            assert!(found.texts.len() == 1 && found.texts[0].contains(says), "{line}: {found:?}");
            assert_eq!(found.memory_cap, None);
        }
        assert_eq!(explain("Apply complete!"), Found::default());
    }
}
