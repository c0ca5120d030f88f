# Three private buckets: one for sources, one for artifacts and results, one for caches between builds.

data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  suffix = "${data.aws_caller_identity.current.account_id}-${data.aws_region.current.name}"
  days   = { input = var.input_days, output = var.output_days, cache = var.cache_days }
  # Nobody can overwrite an uploaded object, with any key. Only caches may be written again.
  write_once = toset(["input", "output"])
  # What the names of owners begin with (protocol/src/ids.rs): the output bucket's rules delete what is below such a name,
  # and spare `_backend.json`, which is nobody's.
  initials = split("", "abcdefghijklmnopqrstuvwxyz0123456789")
  expiring = { input = [""], output = local.initials, cache = [""] }
}

resource "aws_s3_bucket" "main" {
  for_each = local.days

  bucket        = "${var.prefix}-${each.key}-${local.suffix}"
  force_destroy = true
}

resource "aws_s3_bucket_ownership_controls" "main" {
  for_each = local.days

  bucket = aws_s3_bucket.main[each.key].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "main" {
  for_each = local.days

  bucket                  = aws_s3_bucket.main[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "main" {
  for_each = local.days

  bucket = aws_s3_bucket.main[each.key].id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "main" {
  for_each = local.days

  bucket = aws_s3_bucket.main[each.key].id

  dynamic "rule" {
    for_each = local.expiring[each.key]
    iterator = prefix

    content {
      id     = "expire${prefix.value}"
      status = "Enabled"

      filter {
        prefix = prefix.value
      }

      expiration {
        days = each.value
      }
    }
  }

  rule {
    id     = "uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

data "aws_iam_policy_document" "bucket" {
  for_each = local.days

  statement {
    sid       = "OnlyEncryptedConnections"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.main[each.key].arn, "${aws_s3_bucket.main[each.key].arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  # PutObject and CompleteMultipartUpload create objects; CreateMultipartUpload and UploadPart, which can't carry the
  # header, do not (docs.aws.amazon.com/AmazonS3, conditional-writes-enforce).
  dynamic "statement" {
    for_each = contains(local.write_once, each.key) ? ["WrittenOnce"] : []

    content {
      sid     = statement.value
      effect  = "Deny"
      actions = ["s3:PutObject"]
      # All that is an owner's has a slash in its key.
      resources = ["${aws_s3_bucket.main[each.key].arn}/*/*"]

      principals {
        type        = "*"
        identifiers = ["*"]
      }

      condition {
        test     = "Null"
        variable = "s3:if-none-match"
        values   = ["true"]
      }

      condition {
        test     = "Bool"
        variable = "s3:ObjectCreationOperation"
        values   = ["true"]
      }
    }
  }
}

resource "aws_s3_bucket_policy" "main" {
  for_each = local.days

  bucket = aws_s3_bucket.main[each.key].id
  policy = data.aws_iam_policy_document.bucket[each.key].json

  # S3 refuses two simultaneous changes of a bucket's access.
  depends_on = [aws_s3_bucket_public_access_block.main]
}
