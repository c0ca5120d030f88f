//! Stores the outcome of an attempt. A `continue` and a failure record of the same attempt can both arrive, in any
//! order: the first one that is stored counts.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use protocol::{BuildId, Owner};

use super::row::{Row, s, text, ttl, unreadable};
use super::{Table, TableError, keys};

/// How long an outcome is kept, in hours: longer than any event can be delayed.
const TTL_HOURS: u64 = 7 * 24;

/// How an attempt ended that did not write the result itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The attempt ran out of time, and the next one continues.
    HandedOver,
    /// The attempt's function died before it could end the build.
    Died,
}

impl AttemptOutcome {
    fn as_str(self) -> &'static str {
        match self {
            AttemptOutcome::HandedOver => "handed over",
            AttemptOutcome::Died => "died",
        }
    }
}

impl Table {
    /// Stores the outcome of an attempt, unless one is stored already, and returns the stored one. Attempt 0 stands for
    /// an invocation with several sources, which hands over those it has no time for.
    pub async fn decide(
        &self,
        owner: &Owner,
        build: &BuildId,
        attempt: u32,
        fate: AttemptOutcome,
    ) -> Result<AttemptOutcome, TableError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .item("pk", s(keys::build(owner, build)))
            .item("sk", s(keys::attempt(attempt)))
            .item("fate", s(fate.as_str()))
            .item("ttl", ttl(TTL_HOURS))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = put else { return Ok(fate) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(found)) => decided(found.item().unwrap_or(&Row::new())),
            _ => Err(TableError::call("PutItem")(error)),
        }
    }
}

fn decided(row: &Row) -> Result<AttemptOutcome, TableError> {
    let name = text(row, "fate")?;
    [AttemptOutcome::HandedOver, AttemptOutcome::Died]
        .into_iter()
        .find(|fate| fate.as_str() == name)
        .ok_or_else(|| unreadable(row, "fate"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_reads_back() {
        for fate in [AttemptOutcome::HandedOver, AttemptOutcome::Died] {
            assert_eq!(decided(&Row::from([("fate".to_owned(), s(fate.as_str()))])).unwrap(), fate);
        }
        assert!(decided(&Row::from([("fate".to_owned(), s("unknown"))])).is_err());
        assert!(decided(&Row::new()).is_err());
    }
}
