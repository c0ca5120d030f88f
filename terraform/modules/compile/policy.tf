# Builds run other people's code, which may gain these rights. They are limited to this list.

data "aws_iam_policy_document" "work" {
  statement {
    sid       = "ReadSources"
    actions   = ["s3:GetObject"]
    resources = ["${var.buckets.input.arn}/*/*.zip"]
  }

  statement {
    sid     = "WriteOutput"
    actions = ["s3:PutObject"]
    resources = [
      "${var.buckets.output.arn}/*/*/artifact.zip",
      "${var.buckets.output.arn}/*/*/result.json",
      "${var.buckets.output.arn}/*/*/*/claim",
      "${var.buckets.output.arn}/*/*/*/log.jsonl",
    ]
  }

  # DeleteObject: `cargo cloud clean`. A lost cache costs only time.
  statement {
    sid       = "KeepCaches"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    resources = ["${var.buckets.cache.arn}/*/*"]
  }

  # Without these a missing object would be 403 instead of 404; cancelled builds and first builds have missing objects. In
  # the output bucket a listing shows whether an existing object is this attempt's own, without the right to read it.
  statement {
    sid       = "SeeWhatIsMissing"
    actions   = ["s3:ListBucket"]
    resources = [for bucket in var.buckets : bucket.arn]
  }

  statement {
    sid       = "SendEvents"
    actions   = ["events:PutEvents"]
    resources = [var.bus.arn]

    condition {
      test     = "StringEquals"
      variable = "events:source"
      values   = ["cargo-cloud"]
    }

    condition {
      test     = "StringEquals"
      variable = "events:detail-type"
      values   = ["events", "continue"]
    }
  }

  # Lambda itself uses this right, with this role, when the function has failed.
  statement {
    sid       = "ReportFailure"
    actions   = ["events:PutEvents"]
    resources = [var.bus.arn]

    condition {
      test     = "StringEquals"
      variable = "events:source"
      values   = ["lambda"]
    }

    condition {
      test     = "StringEquals"
      variable = "events:detail-type"
      values   = ["Lambda Function Invocation Result - Failure"]
    }
  }

  statement {
    sid       = "KeepUsage"
    actions   = ["dynamodb:PutItem", "dynamodb:UpdateItem"]
    resources = [var.table.arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["usage#*"]
    }
  }
}
