# One table for the followers of builds, the events of builds, and the usage of each month.

resource "aws_dynamodb_table" "main" {
  name         = var.prefix
  billing_mode = "PROVISIONED"
  # Only provisioned capacity is always free, 25 units of each kind in an account (aws.amazon.com/dynamodb/pricing).
  read_capacity  = var.read_capacity
  write_capacity = var.write_capacity
  hash_key       = "pk"
  range_key      = "sk"

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  ttl {
    enabled        = true
    attribute_name = "ttl"
  }
}
