# A function out of a zip with one binary, `bootstrap`.

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

# Only of functions that are invoked without anybody waiting.
resource "aws_lambda_function_event_invoke_config" "main" {
  count = var.retries == null ? 0 : 1

  function_name          = aws_lambda_function.main.function_name
  maximum_retry_attempts = var.retries
  # Lambda's most. Builds can use up an account's concurrency for a while, and what ends a build, or has it go on, must
  # not be lost meanwhile. What only followers wanted to hear does no harm when it comes late.
  maximum_event_age_in_seconds = 21600
}
