//! Stores and reads the events of a build: a row with the numbered events of each bus entry, and a last row with the
//! result.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::query::QueryError;
use aws_smithy_async::future::pagination_stream::PaginationStream;
use protocol::{BuildId, BuildResult, Event, Owner};

use super::row::{Row, s, text, ttl, unreadable};
use super::{Table, TableError, keys};

/// How long rows are kept, in hours: as long as the build's outputs are kept in S3.
const TTL_HOURS: u64 = 7 * 24;

/// The highest event number that sort keys keep in order: they have 12 digits.
const MAX_SEQ: u64 = 999_999_999_999;

/// A row with events of a build, or with its result.
#[derive(Debug, Clone, PartialEq)]
pub enum StoredRow {
    /// The numbered events of one bus entry.
    Events(Vec<Event>),
    /// The build's result, which is always the last row.
    Result(Box<BuildResult>),
}

/// Rows of a build, read page by page and in order. The result is the last row.
pub struct StoredRows {
    rows: PaginationStream<Result<Row, SdkError<QueryError>>>,
}

impl StoredRows {
    /// Reads the next row. `None` after the last one.
    pub async fn next(&mut self) -> Result<Option<StoredRow>, TableError> {
        let Some(row) = self.rows.next().await else { return Ok(None) };
        stored(&row.map_err(TableError::call("Query"))?).map(Some)
    }
}

impl Table {
    /// Stores the numbered events of one bus entry; `last` is the number of the last one. Storing the same entry again
    /// replaces its row.
    pub async fn store_events(
        &self,
        owner: &Owner,
        build: &BuildId,
        last: u64,
        events: &[Event],
    ) -> Result<(), TableError> {
        self.put(owner, build, keys::event(last), "events", serde_json::to_string(events)).await
    }

    /// Stores the result of a build.
    pub async fn store_result(&self, owner: &Owner, result: &BuildResult) -> Result<(), TableError> {
        self.put(owner, &result.id, keys::RESULT.to_owned(), "result", serde_json::to_string(result)).await
    }

    async fn put(
        &self,
        owner: &Owner,
        build: &BuildId,
        sk: String,
        name: &str,
        json: serde_json::Result<String>,
    ) -> Result<(), TableError> {
        let pk = keys::build(owner, build);
        let json = json.map_err(|error| TableError::Row { pk: pk.clone(), sk: sk.clone(), why: error.to_string() })?;
        self.client
            .put_item()
            .table_name(&self.name)
            .item("pk", s(pk))
            .item("sk", s(sk))
            .item(name, s(json))
            .item("ttl", ttl(TTL_HOURS))
            .send()
            .await
            .map_err(TableError::call("PutItem"))?;
        Ok(())
    }

    /// Queries every row with events newer than `after`, and the result. The first row may also hold older events.
    pub fn stored_after(&self, owner: &Owner, build: &BuildId, after: u64) -> StoredRows {
        let rows = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", s(keys::build(owner, build)))
            .expression_attribute_values(":from", s(keys::event(after.saturating_add(1).min(MAX_SEQ))))
            .expression_attribute_values(":to", s(keys::RESULT))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        StoredRows { rows }
    }

    /// Reads the events of the newest row. Empty if no events are stored.
    pub async fn newest_events(&self, owner: &Owner, build: &BuildId) -> Result<Vec<Event>, TableError> {
        let found = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", s(keys::build(owner, build)))
            .expression_attribute_values(":from", s(keys::event(0)))
            .expression_attribute_values(":to", s(keys::event(MAX_SEQ)))
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(1)
            .send()
            .await
            .map_err(TableError::call("Query"))?;
        match found.items().first().map(stored).transpose()? {
            Some(StoredRow::Events(events)) => Ok(events),
            Some(StoredRow::Result(_)) | None => Ok(Vec::new()),
        }
    }
}

fn stored(row: &Row) -> Result<StoredRow, TableError> {
    let read = match text(row, "sk")? {
        keys::RESULT => serde_json::from_str(text(row, "result")?).map(StoredRow::Result),
        _ => serde_json::from_str(text(row, "events")?).map(StoredRow::Events),
    };
    read.map_err(|error| unreadable(row, error))
}

#[cfg(test)]
mod tests {
    use protocol::{EventKind, Outcome, Status};

    use super::*;

    #[test]
    fn rows_read_back() {
        let id = BuildId::new(1, [0; 10]);
        let events = vec![Event::new(id.clone(), Some(1), 0, EventKind::Status(Status::Received))];
        let json = serde_json::to_string(&events).unwrap();
        let row = Row::from([("sk".to_owned(), s(keys::event(1))), ("events".to_owned(), s(json))]);
        assert_eq!(stored(&row).unwrap(), StoredRow::Events(events));
        let result = BuildResult::new(id, Outcome::Failed, 1);
        let json = serde_json::to_string(&result).unwrap();
        let row = Row::from([("sk".to_owned(), s(keys::RESULT)), ("result".to_owned(), s(json))]);
        assert_eq!(stored(&row).unwrap(), StoredRow::Result(Box::new(result)));
        let row = Row::from([("sk".to_owned(), s(keys::event(1))), ("events".to_owned(), s("[{]"))]);
        assert!(stored(&row).is_err());
    }
}
