# A function from a zip that contains one binary, `bootstrap`.

locals {
  name = "${var.prefix}-${var.name}"
  zip  = "${var.zips}/${var.name}.zip"
}

module "role" {
  source = "../role"

  name     = local.name
  policy   = var.policy
  log_days = var.log_days
}

resource "aws_lambda_function" "main" {
  function_name    = local.name
  description      = var.description
  role             = module.role.arn
  filename         = local.zip
  source_code_hash = filebase64sha256(local.zip)
  runtime          = "provided.al2023"
  architectures    = ["x86_64"]
  handler          = "bootstrap"
  memory_size      = var.memory_mb
  timeout          = var.timeout_s

  environment {
    variables = var.environment
  }
}

# Only for functions that are invoked asynchronously.
resource "aws_lambda_function_event_invoke_config" "main" {
  count = var.retries == null ? 0 : 1

  function_name          = aws_lambda_function.main.function_name
  maximum_retry_attempts = var.retries
  # Lambda's maximum. Builds can use up the account's concurrency for a while, and events that end or continue a build must
  # not be lost in that time. An event that is only for followers does no harm when it arrives late.
  maximum_event_age_in_seconds = 21600
}
