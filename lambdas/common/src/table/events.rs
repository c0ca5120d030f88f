//! What a build said: numbered events, a row for each bus entry, and the result behind them.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::query::QueryError;
use aws_smithy_async::future::pagination_stream::PaginationStream;
use protocol::{BuildId, BuildResult, Event, Owner};

use super::row::{Row, s, text, ttl, unreadable};
use super::{Table, TableError, keys};

/// As long as the build's outputs lie in S3.
const TTL_HOURS: u64 = 7 * 24;

/// The highest number the sort keys hold in order.
const MAX_SEQ: u64 = 999_999_999_999;

/// A row of what a build said.
#[derive(Debug, Clone, PartialEq)]
pub enum StoredRow {
    /// Numbered events of one bus entry.
    Events(Vec<Event>),
    /// The build's result, the last row.
    Result(Box<BuildResult>),
}

/// Rows of what a build said, read page by page, in order, the result last.
pub struct StoredRows {
    rows: PaginationStream<Result<Row, SdkError<QueryError>>>,
}

impl StoredRows {
    /// Reads the next row; none after the last one.
    pub async fn next(&mut self) -> Result<Option<StoredRow>, TableError> {
        let Some(row) = self.rows.next().await else { return Ok(None) };
        stored(&row.map_err(TableError::call("Query"))?).map(Some)
    }
}

impl Table {
    /// Stores numbered events of one bus entry, `last` being the number of the last: stored twice, it is there once.
    pub async fn store_events(
        &self,
        owner: &Owner,
        build: &BuildId,
        last: u64,
        events: &[Event],
    ) -> Result<(), TableError> {
        self.put(owner, build, keys::event(last), "events", serde_json::to_string(events)).await
    }

    /// Stores how a build ended.
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

    /// Every row with something newer than `after`. The first events may hold older ones too.
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

    /// The events of the newest row; none if nothing is stored.
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
