# An IAM user for each device and a group for each owner. A device sees only what belongs to its owner. `make device`
# makes the keys, so that the state contains no secret.

locals {
  owners = toset([for device in var.devices : device.owner])
}

# The path contains the owner of the device, which `connect` reads.
resource "aws_iam_user" "main" {
  for_each = var.devices

  name          = "${var.prefix}-${each.key}"
  path          = "/${var.prefix}/${each.value.owner}/"
  force_destroy = true
}

resource "aws_iam_group" "main" {
  for_each = local.owners

  name = "${var.prefix}-${each.key}"
  path = "/${var.prefix}/${each.key}/"
}

resource "aws_iam_user_group_membership" "main" {
  for_each = var.devices

  user   = aws_iam_user.main[each.key].name
  groups = [aws_iam_group.main[each.value.owner].name]
}

data "aws_iam_policy_document" "main" {
  for_each = local.owners

  # Only keys of sources, <build id>.zip, where a build id is a UUID of version 7.
  # AbortMultipartUpload removes the parts of an interrupted upload. GetObject: a client whose upload is refused because
  # the source exists checks whether it uploaded the source itself, and a client that lists builds reads the request of a
  # running build in its source's metadata. DeleteObject cancels a build.
  statement {
    sid       = "Sources"
    actions   = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject", "s3:DeleteObject"]
    resources = ["${var.buckets.input.arn}/${each.key}/????????-????-7???-????-????????????.zip"]
  }

  statement {
    sid       = "Output"
    actions   = ["s3:GetObject"]
    resources = ["${var.buckets.output.arn}/${each.key}/*"]
  }

  # What the backend can build: the one object that is no owner's.
  statement {
    sid       = "Capabilities"
    actions   = ["s3:GetObject"]
    resources = ["${var.buckets.output.arn}/${var.capabilities_key}"]
  }

  # Which builds there are: those that have a result, and those that have a source and none. And a result that isn't there
  # yet is 404 with this and 403 without: S3 takes the key that was asked for as the prefix.
  statement {
    sid       = "SeeWhatIsThere"
    actions   = ["s3:ListBucket"]
    resources = [var.buckets.input.arn, var.buckets.output.arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${each.key}/*"]
    }
  }

  statement {
    sid       = "Follow"
    actions   = ["execute-api:Invoke"]
    resources = ["${var.socket_arn}/$connect"]
  }
}

resource "aws_iam_group_policy" "main" {
  for_each = local.owners

  name   = "builds"
  group  = aws_iam_group.main[each.key].name
  policy = data.aws_iam_policy_document.main[each.key].json
}
