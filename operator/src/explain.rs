//! Explains errors of Terraform and AWS: what they mean, and what to do.

/// The explanations for the errors in an output.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Explanations {
    /// The texts, each once, in the order of the table of known errors.
    pub texts: Vec<String>,
    /// The memory that the account allows a function, in MB, if the deployment failed because of this limit.
    pub memory_cap: Option<u32>,
}

/// An error that has an explanation.
struct KnownError {
    /// Any of these texts identifies the error.
    signs: &'static [&'static str],
    /// What it means, and what to do.
    meaning: &'static str,
}

/// The errors that deploying can meet.
const KNOWN: &[KnownError] = &[
    KnownError {
        signs: &["decreases account's UnreservedConcurrentExecution below its minimum value"],
        meaning: "The account's limit of concurrent executions is too low to reserve any for one function (new accounts have too \
                  little concurrency: 10 executions). Remove `reserved_concurrent_executions` from the configuration, which doesn't \
                  need it, or ask for a higher limit (Service Quotas, AWS Lambda, Concurrent executions). Then type `make deploy` \
                  again.",
    },
    KnownError {
        signs: &[
            "BucketAlreadyOwnedByYou",
            "RepositoryAlreadyExistsException",
            "EntityAlreadyExists",
            "ResourceAlreadyExistsException",
        ],
        meaning: "The account has a resource of this name already, and this deployment's state doesn't know it: it belongs to another \
                  deployment of the same name, or to one whose state was lost. Deploy from the clone that has the state, or choose \
                  another name: make deploy DEPLOYMENT=another-name",
    },
    KnownError {
        signs: &["BucketAlreadyExists"],
        meaning: "A bucket of this name belongs to somebody else: names of buckets are unique worldwide. Choose another name for the \
                  deployment: make deploy DEPLOYMENT=another-name",
    },
    KnownError {
        signs: &["ExpiredToken", "RequestExpired"],
        meaning: "The credentials have expired in the meantime. Get new ones and type the same command again: it continues where it \
                  stopped.",
    },
    KnownError {
        signs: &["is not authorized to perform", "AccessDenied", "UnauthorizedOperation"],
        meaning: "These credentials may not do what the line says. Deploying creates roles and users, so it needs the credentials of \
                  an administrator (docs/deploying.md). Set them and type the same command again.",
    },
    KnownError {
        signs: &["Error acquiring the state lock"],
        meaning: "Another deployment with the same state is running, or one was killed. If none is running, type: terraform \
                  force-unlock ID, with the ID above.",
    },
    KnownError {
        signs: &["media type for the source image"],
        meaning: "Lambda doesn't accept this image because it was pushed with attestations. Push it with `make deploy`, which builds \
                  images without attestations.",
    },
    KnownError {
        signs: &["LimitExceededException", "ServiceQuotaExceededException", "TooManyBuckets"],
        meaning: "The account has reached the limit that the line names. Ask for a higher one under Service Quotas in the AWS console, \
                  then type the same command again.",
    },
];

/// Finds the known errors in an output of Terraform.
pub fn explain(output: &str) -> Explanations {
    let mut found = Explanations::default();
    let text = joined(output);
    if let Some(cap) = memory_cap(&text) {
        found.memory_cap = Some(cap);
        found.texts.push(format!(
            "AWS limits the functions of this account to {cap} MB of memory: new accounts are capped until you ask for more (AWS \
             Support: Service limit increase, Lambda, function memory; the answer takes a day or more). cargo-cloud works with \
             {cap} MB, but with {} processors instead of 6, and large programs may need more memory. When AWS has raised the \
             limit, type `make deploy MEMORY=10240`.",
            processors(cap)
        ));
    }
    for KnownError { signs, meaning } in KNOWN {
        if signs.iter().any(|sign| text.contains(sign)) && !found.texts.iter().any(|text| text == meaning) {
            found.texts.push((*meaning).to_owned());
        }
    }
    found
}

/// The output without Terraform's frame and line breaks, which divide sentences.
fn joined(output: &str) -> String {
    output.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

/// The limit in `'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 3008`.
fn memory_cap(text: &str) -> Option<u32> {
    let (_, rest) = text
        .split_once("emorySize' value failed to satisfy constraint: Member must have value less than or equal to ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The number of processors that come with this memory: one for each 1,769 MB (docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
fn processors(memory_mb: u32) -> u32 {
    memory_mb.div_ceil(1769)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_limit_of_a_new_account_is_found() {
        let output = "\u{1b}[31m│ Error: creating Lambda Function (cargo-cloud-compile): operation error Lambda: CreateFunction,\n\
                      │ 'MemorySize' value failed to satisfy constraint: Member must have value less\n│ than or equal to 3008\n";
        let found = explain(output);
        assert_eq!(found.memory_cap, Some(3008));
        assert!(found.texts.len() == 1 && found.texts[0].contains("MEMORY=10240"), "{found:?}");
    }

    #[test]
    fn known_errors_are_explained_once() {
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
        assert_eq!(explain("Apply complete!"), Explanations::default());
    }
}
