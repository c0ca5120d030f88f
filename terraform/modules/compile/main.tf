# The function that builds: a container image with the largest memory that Lambda allows, invoked for every stored source.

locals {
  name = "${var.prefix}-compile"
}

module "role" {
  source = "../role"

  name     = local.name
  policy   = data.aws_iam_policy_document.work.json
  log_days = var.log_days
}

resource "aws_lambda_function" "main" {
  function_name = local.name
  description   = "Builds each source that is stored in the input bucket"
  role          = module.role.arn
  package_type  = "Image"
  image_uri     = var.image_uri
  architectures = ["x86_64"]
  memory_size   = var.memory_mb
  timeout       = var.timeout_s

  ephemeral_storage {
    size = var.tmp_mb
  }

  environment {
    variables = {
      INPUT_BUCKET       = var.buckets.input.name
      OUTPUT_BUCKET      = var.buckets.output.name
      CACHE_BUCKET       = var.buckets.cache.name
      EVENT_BUS          = var.bus.name
      TABLE              = var.table.name
      MONTHLY_GB_SECONDS = var.monthly_gb_seconds
    }
  }

  lifecycle {
    precondition {
      condition     = var.image_uri != null
      error_message = "image_uri is missing. Create the registry (terraform apply -target=module.registry), push the image there, and give image_uri by digest: <repository_url>@sha256:<digest>."
    }
  }
}

# A failed build is not retried without its client's knowledge. The record of a failure goes to the bus and from there to
# the relay, so this role needs no right to invoke a function.
resource "aws_lambda_function_event_invoke_config" "main" {
  function_name                = aws_lambda_function.main.function_name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = var.event_age_s

  destination_config {
    on_failure {
      destination = var.bus.arn
    }
  }
}

resource "aws_lambda_permission" "source" {
  statement_id   = "SourceStored"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.main.function_name
  principal      = "s3.amazonaws.com"
  source_arn     = var.buckets.input.arn
  source_account = data.aws_caller_identity.current.account_id
}

resource "aws_s3_bucket_notification" "source" {
  bucket = var.buckets.input.name

  lambda_function {
    id                  = "source-stored"
    lambda_function_arn = aws_lambda_function.main.arn
    events              = ["s3:ObjectCreated:*"]
    filter_suffix       = ".zip"
  }

  # S3 checks this permission when the notification is created.
  depends_on = [aws_lambda_permission.source, aws_lambda_function_event_invoke_config.main]
}

data "aws_caller_identity" "current" {}
