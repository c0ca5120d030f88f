//! Stores followers in two rows each: one among the rows of the build, and one that leads from the connection to the
//! build.

use std::time::SystemTime;

use aws_sdk_dynamodb::types::{ReturnValue, Select};
use protocol::{BuildId, Owner, unix_millis};

use super::row::{Row, n, number, s, text, ttl, unreadable};
use super::{Table, TableError, keys};

/// How long a follower is kept, in hours. API Gateway closes a connection after two hours.
const TTL_HOURS: u64 = 3;

/// A connection that follows a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFollower {
    /// Id that API Gateway gave to the connection.
    pub connection: String,
    /// When the connection was opened, in milliseconds since 1970 (UTC).
    pub since: u64,
}

impl Table {
    /// Stores a connection as a follower of a build. If only one of the two rows can be written, the error refuses the
    /// connection. The row that was written does no harm: a message to it fails because the connection is gone, or the
    /// row expires.
    pub async fn follow(&self, owner: &Owner, build: &BuildId, connection: &str) -> Result<(), TableError> {
        let put = || self.client.put_item().table_name(&self.name).item("ttl", ttl(TTL_HOURS));
        let follower = put()
            .item("pk", s(keys::build(owner, build)))
            .item("sk", s(keys::connection(connection)))
            .item("since", n(unix_millis(SystemTime::now())));
        let reverse = put()
            .item("pk", s(keys::connection(connection)))
            .item("sk", s(keys::BUILD))
            .item("owner", s(owner.as_str()))
            .item("build", s(build.as_str()));
        tokio::try_join!(follower.send(), reverse.send()).map_err(TableError::call("PutItem"))?;
        Ok(())
    }

    /// Reads all followers of a build.
    pub async fn followers(&self, owner: &Owner, build: &BuildId) -> Result<Vec<StoredFollower>, TableError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND begins_with(sk, :connections)")
            .expression_attribute_values(":pk", s(keys::build(owner, build)))
            .expression_attribute_values(":connections", s(keys::CONNECTIONS))
            .consistent_read(true)
            .select(Select::AllAttributes)
            .into_paginator()
            .items()
            .send();
        let mut followers = Vec::new();
        while let Some(row) = pages.next().await {
            followers.push(follower(&row.map_err(TableError::call("Query"))?)?);
        }
        Ok(followers)
    }

    /// The build that a connection follows. `None` if the connection is not, or no longer, stored.
    pub async fn followed(&self, connection: &str) -> Result<Option<(Owner, BuildId)>, TableError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.name)
            .key("pk", s(keys::connection(connection)))
            .key("sk", s(keys::BUILD))
            .consistent_read(true)
            .send()
            .await
            .map_err(TableError::call("GetItem"))?;
        found.item.as_ref().map(followed).transpose()
    }

    /// Removes the rows of a connection whose build is known. It is not an error if they don't exist.
    pub async fn forget(&self, owner: &Owner, build: &BuildId, connection: &str) -> Result<(), TableError> {
        let delete = || self.client.delete_item().table_name(&self.name);
        let follower = delete().key("pk", s(keys::build(owner, build))).key("sk", s(keys::connection(connection)));
        let reverse = delete().key("pk", s(keys::connection(connection))).key("sk", s(keys::BUILD));
        tokio::try_join!(follower.send(), reverse.send()).map_err(TableError::call("DeleteItem"))?;
        Ok(())
    }

    /// Removes the rows of a connection that has ended. Returns the build that it followed, if the connection was still
    /// stored.
    pub async fn forget_connection(&self, connection: &str) -> Result<Option<(Owner, BuildId)>, TableError> {
        let delete = || self.client.delete_item().table_name(&self.name);
        let reverse = delete()
            .key("pk", s(keys::connection(connection)))
            .key("sk", s(keys::BUILD))
            .return_values(ReturnValue::AllOld)
            .send()
            .await
            .map_err(TableError::call("DeleteItem"))?;
        let Some((owner, build)) = reverse.attributes.as_ref().map(followed).transpose()? else { return Ok(None) };
        delete()
            .key("pk", s(keys::build(&owner, &build)))
            .key("sk", s(keys::connection(connection)))
            .send()
            .await
            .map_err(TableError::call("DeleteItem"))?;
        Ok(Some((owner, build)))
    }
}

fn follower(row: &Row) -> Result<StoredFollower, TableError> {
    let key = text(row, "sk")?;
    let connection = key.strip_prefix(keys::CONNECTIONS).ok_or_else(|| unreadable(row, "sk"))?;
    Ok(StoredFollower { connection: connection.to_owned(), since: number(row, "since")? })
}

fn followed(row: &Row) -> Result<(Owner, BuildId), TableError> {
    let owner = text(row, "owner")?.parse().map_err(|error| unreadable(row, error))?;
    let build = text(row, "build")?.parse().map_err(|error| unreadable(row, error))?;
    Ok((owner, build))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_back() {
        let row = Row::from([("sk".to_owned(), s(keys::connection("L0SM9cOFvHcCIhw="))), ("since".to_owned(), n(7))]);
        assert_eq!(follower(&row).unwrap(), StoredFollower { connection: "L0SM9cOFvHcCIhw=".to_owned(), since: 7 });
        let (owner, build) = (Owner::default(), BuildId::new(1, [0; 10]));
        let row = Row::from([("owner".to_owned(), s(owner.as_str())), ("build".to_owned(), s(build.as_str()))]);
        assert_eq!(followed(&row).unwrap(), (owner, build));
        let row = Row::from([("owner".to_owned(), s("../x")), ("build".to_owned(), s("y"))]);
        assert!(followed(&row).is_err());
    }
}
