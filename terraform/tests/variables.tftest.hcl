# What a person may get wrong, and what they are told. No account is asked: the provider is a stand-in.

mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mock" }
  }

  mock_resource "aws_lambda_function" {
    defaults = {
      arn        = "arn:aws:lambda:eu-central-1:123456789012:function:mock"
      invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/mock/invocations"
    }
  }

  mock_resource "aws_cloudwatch_event_bus" {
    defaults = { arn = "arn:aws:events:eu-central-1:123456789012:event-bus/mock" }
  }

  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-central-1:123456789012:rule/mock" }
  }

  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::mock" }
  }

  mock_resource "aws_apigatewayv2_api" {
    defaults = {
      api_endpoint  = "wss://mock.execute-api.eu-central-1.amazonaws.com"
      execution_arn = "arn:aws:execute-api:eu-central-1:123456789012:mock"
    }
  }
}

variables {
  image_uri   = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/cargo-cloud-compile@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  lambda_zips = "tests/zips"
}

run "defaults" {
  command = apply

  assert {
    condition     = module.compile.name == "cargo-cloud-compile"
    error_message = "The function is named after the default prefix."
  }

  assert {
    condition     = output.client.input_bucket == "cargo-cloud-input-123456789012-eu-central-1"
    error_message = "The client is told the input bucket's name."
  }

  assert {
    condition     = output.client.socket == "wss://mock.execute-api.eu-central-1.amazonaws.com/v1"
    error_message = "The client is told the socket's address with its stage."
  }

  assert {
    condition     = length(output.devices) == 0 && module.guard.budget == null
    error_message = "Nothing is made that was not asked for."
  }
}

run "another_deployment_shares_no_name" {
  command = apply

  variables {
    prefix       = "second"
    devices      = { tablet = {}, laptop = { owner = "other" } }
    budget_email = "someone@example.org"
  }

  assert {
    condition     = alltrue([for name in values(output.functions) : startswith(name, "second-")]) && output.table == "second"
    error_message = "Every name begins with the prefix."
  }

  assert {
    condition = (
      output.devices.tablet.user == "second-tablet" && output.devices.tablet.owner == "me" &&
      output.devices.laptop.user == "second-laptop" && output.devices.laptop.owner == "other"
    )
    error_message = "A device belongs to `me` unless another owner is named."
  }

  assert {
    condition     = module.guard.budget == "second"
    error_message = "An address makes a budget."
  }
}

run "prefix_with_capitals" {
  command = plan
  variables { prefix = "Cargo-Cloud" }
  expect_failures = [var.prefix]
}

run "prefix_too_long_for_a_bucket" {
  command = plan
  variables { prefix = "a-prefix-that-is-much-too-long" }
  expect_failures = [var.prefix]
}

run "prefix_ends_with_a_hyphen" {
  command = plan
  variables { prefix = "cargo-" }
  expect_failures = [var.prefix]
}

run "region_by_its_name" {
  command = plan
  variables { region = "Frankfurt" }
  expect_failures = [var.region]
}

run "image_by_tag" {
  command = plan
  variables { image_uri = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/cargo-cloud-compile:live" }
  expect_failures = [var.image_uri]
}

run "image_missing" {
  command = plan

  module {
    source = "./modules/compile"
  }

  variables {
    prefix    = "cargo-cloud"
    image_uri = null
    buckets = {
      input  = { name = "input", arn = "arn:aws:s3:::input" }
      output = { name = "output", arn = "arn:aws:s3:::output" }
      cache  = { name = "cache", arn = "arn:aws:s3:::cache" }
    }
    bus                = { name = "bus", arn = "arn:aws:events:eu-central-1:123456789012:event-bus/bus" }
    table              = { name = "table", arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/table" }
    memory_mb          = 10240
    tmp_mb             = 10240
    timeout_s          = 900
    event_age_s        = 3600
    monthly_gb_seconds = 400000
    log_days           = 14
  }

  expect_failures = [aws_lambda_function.main]
}

run "no_zips" {
  command = plan
  variables { lambda_zips = "tests" }
  expect_failures = [var.lambda_zips]
}

run "memory_beyond_lambda" {
  command = plan
  variables { memory_mb = 10241 }
  expect_failures = [var.memory_mb]
}

run "memory_of_a_new_account" {
  command = plan
  variables { memory_mb = 3008 }
}

run "tmp_too_small" {
  command = plan
  variables { tmp_mb = 512 }
  expect_failures = [var.tmp_mb]
}

run "timeout_beyond_lambda" {
  command = plan
  variables { timeout_s = 901 }
  expect_failures = [var.timeout_s]
}

run "event_age_beyond_lambda" {
  command = plan
  variables { event_age_s = 21601 }
  expect_failures = [var.event_age_s]
}

run "cap_below_one_attempt" {
  command = plan
  variables { monthly_gb_seconds = 8999 }
  expect_failures = [var.monthly_gb_seconds]
}

run "cap_of_one_attempt" {
  command = plan
  variables { monthly_gb_seconds = 9000 }
}

run "table_without_units" {
  command = plan
  variables { table_capacity = { write = 0 } }
  expect_failures = [var.table_capacity]
}

run "targets_empty" {
  command = plan
  variables { targets = [] }
  expect_failures = [var.targets]
}

run "target_that_is_none" {
  command = plan
  variables { targets = ["android"] }
  expect_failures = [var.targets]
}

run "device_with_a_path" {
  command = plan
  variables { devices = { "my/tablet" = {} } }
  expect_failures = [var.devices]
}

run "owner_that_is_a_wildcard" {
  command = plan
  variables { devices = { tablet = { owner = "*" } } }
  expect_failures = [var.devices]
}

run "budget_without_an_address" {
  command = plan
  variables { budget_email = "someone" }
  expect_failures = [var.budget_email]
}

run "budget_of_nothing" {
  command = plan
  variables { budget_usd = 0 }
  expect_failures = [var.budget_usd]
}

run "days_of_a_fraction" {
  command = plan
  variables {
    input_days  = 0.5
    output_days = 0
    cache_days  = -1
  }
  expect_failures = [var.input_days, var.output_days, var.cache_days]
}

run "log_days_cloudwatch_does_not_know" {
  command = plan
  variables { log_days = 10 }
  expect_failures = [var.log_days]
}
