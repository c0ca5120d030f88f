# The event bus for `compile` alone: its role can send events to this bus and to no other.

resource "aws_cloudwatch_event_bus" "main" {
  name        = var.prefix
  description = "Events of the builds of ${var.prefix}"
}

locals {
  # The source and the detail-type of each event, which the compile function and Lambda set.
  rules = {
    events = {
      description = "Output and progress of builds"
      source      = "cargo-cloud"
      detail_type = "events"
    }
    continue = {
      description = "Builds that need another attempt"
      source      = "cargo-cloud"
      detail_type = "continue"
    }
    failed = {
      description = "Attempts that ended without a result"
      source      = "lambda"
      detail_type = "Lambda Function Invocation Result - Failure"
    }
  }
}

resource "aws_cloudwatch_event_rule" "main" {
  for_each = local.rules

  name           = "${var.prefix}-${each.key}"
  description    = each.value.description
  event_bus_name = aws_cloudwatch_event_bus.main.name

  event_pattern = jsonencode({
    source      = [each.value.source]
    detail-type = [each.value.detail_type]
  })
}

resource "aws_cloudwatch_event_target" "main" {
  for_each = local.rules

  target_id      = "relay"
  rule           = aws_cloudwatch_event_rule.main[each.key].name
  event_bus_name = aws_cloudwatch_event_bus.main.name
  arn            = var.relay.arn

  depends_on = [aws_lambda_permission.main]
}

resource "aws_lambda_permission" "main" {
  for_each = local.rules

  statement_id  = "Rule-${each.key}"
  action        = "lambda:InvokeFunction"
  function_name = var.relay.name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.main[each.key].arn
}
