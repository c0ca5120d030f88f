# One table: who follows which build, what was said so far, and how much was used this month.

resource "aws_dynamodb_table" "main" {
  name         = var.prefix
  billing_mode = "PROVISIONED"
  # Only provisioned capacity is free for ever, 25 of each in an account (aws.amazon.com/dynamodb/pricing).
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
