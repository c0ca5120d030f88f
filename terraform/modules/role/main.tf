# Every function has a log group, which is destroyed with the deployment, and a role that may write to this group only.

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "main" {
  name               = var.name
  description        = "Role of the function ${var.name}"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

resource "aws_cloudwatch_log_group" "main" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_days
}

# Not logs:CreateLogGroup: lines that arrive after `terraform destroy` would create the group again.
data "aws_iam_policy_document" "logs" {
  statement {
    sid       = "WriteLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.main.arn}:log-stream:*"]
  }
}

resource "aws_iam_role_policy" "logs" {
  name   = "logs"
  role   = aws_iam_role.main.id
  policy = data.aws_iam_policy_document.logs.json
}

resource "aws_iam_role_policy" "work" {
  name   = "work"
  role   = aws_iam_role.main.id
  policy = var.policy
}
